"""Compare a server with another one, or with a mock that has its profile, request by request."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from crmcom_kit.contract_tests.belief.knowledge import typed
from crmcom_kit.contract_tests.calibration.calibrate import compare, compare_with, whole_log
from crmcom_kit.contract_tests.calibration.learning import Log
from crmcom_kit.contract_tests.calibration.replaying import Replayer
from crmcom_kit.contract_tests.calibration.report import Comparisons
from crmcom_kit.contract_tests.client.errors import LoginLimit, Unreachable
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange, token_of
from crmcom_kit.contract_tests.client.separate_world import separate_world
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.contract_tests.run.config import RunConfig
from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.contract_tests.run.run import enter, new_session, sparing
from crmcom_kit.schemas.methods import REFERENCE_KINDS
from crmcom_kit.schemas.profile import Profile


def with_profile(results: Results, profile: Profile) -> tuple[Log, Comparisons]:
    """Compare a run's responses with those of a mock that has a profile's dialect.

    Its webhook requests are those that the run has seen: an instance's content changes. Definitions
    and rules last longer: it has those of the profile as well.
    """
    log = whole_log(results)
    return log, compare(log, replace(profile, world=[*_outlasting(profile, log.world), *log.world]))


def _outlasting(profile: Profile, world: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield definitions and rules that only the profile has."""
    for kind in REFERENCE_KINDS:
        seen_ids = {entry[kind]["id"] for entry in world if kind in entry}
        for entry in profile.world if isinstance(profile.world, list) else ():
            reference = typed(entry).get(kind)
            if reference and reference.get("id") and reference["id"] not in seen_ids:
                yield {kind: reference}


class OtherServer:
    """Gets the requests of a run as well, if it has the same content."""

    def __init__(self, target: Target, config: RunConfig) -> None:
        """Send nothing yet; the time limit of ``config`` begins now."""
        self._target, self._config = target, config
        self._ends_at = config.now() + config.limits.max_time

    def compare(self, results: Results) -> tuple[Log, Comparisons]:
        """Send a run's requests, and compare the responses.

        Raises:
            TargetDown, BudgetSpent: the server does not respond, or the time is over.
            Unreachable: it does not let the run in.
        """
        log = whole_log(results)
        world = separate_world(self._target, f"{self._config.world}-other")
        config = sparing(world, self._config)
        session = new_session(world.target, config, ends_at=self._ends_at)

        def send(exchange: Exchange, call: Call) -> Exchange:
            # The run's own login was sent here, too, before all else.
            login = next((entry for entry in session.client.history if call == entry.call), None)
            is_own_login = call == session.tokens.login() and not replayer.has_tokens
            reply = login if is_own_login and login is not None else session.send(call).exchange
            return reply.changed(number=exchange.number)

        replayer = Replayer(send)

        def respond(exchange: Exchange) -> Exchange | None:
            try:
                return replayer.respond(exchange)
            except LoginLimit:  # such as one that replaced a token there: here the last may do
                replayer.map_token(token_of(exchange), session.scene.token)
                return None
            except Unreachable:
                return None

        try:
            enter(session, config)
            return log, compare_with(respond, log)
        finally:
            session.client.close()
            world.end()
