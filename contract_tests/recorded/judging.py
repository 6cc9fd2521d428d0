"""Judge a recording: all checks over traffic that somebody else has made; nothing is sent.

What a live run makes sure of by asking again, a recording shows or does not: what nothing later
decides is no violation. Requests that were under way together have no order, so that what one has
changed is not held against another.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from crmcom_kit.contract_tests.calibration.observations import kind_of, seen_in, spelling
from crmcom_kit.contract_tests.checks.checker import Checker, CheckFailed, Verdict
from crmcom_kit.contract_tests.checks.doubts import Doubts
from crmcom_kit.contract_tests.checks.expectations import Expectation, Must, refusals
from crmcom_kit.contract_tests.checks.history import Coincidence, differing
from crmcom_kit.contract_tests.checks.removed_secrets import (
    is_placeholder,
    may_be_shown,
    rests_on_removed,
    returned_tokens,
)
from crmcom_kit.contract_tests.checks.sense import (
    IDENTIFIER,
    Sense,
    basic_key,
    identifying_values,
    read,
)
from crmcom_kit.contract_tests.checks.service import Service
from crmcom_kit.contract_tests.checks.world import Record, TokenState, World
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.findings import Findings, Violation
from crmcom_kit.contract_tests.findings import Verdict as StatementVerdict
from crmcom_kit.contract_tests.recorded.reading import (
    HIDDEN_KEY,
    Recorded,
    Recording,
    RecordingError,
)
from crmcom_kit.contract_tests.results import Results, statement_results
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.redaction import secret_texts
from crmcom_kit.schemas.releases import Release

#: Why a statement has no verdict.
NOTHING_SHOWN = "no request in the recording tests it"

_OF_READING = ("show.changes_nothing", "list.changes_nothing", "list.agrees_with_show")
#: Times are rounded to milliseconds: two requests overlap only if it is by more than these seconds.
_ROUNDED = 0.002
#: Within so many seconds and exchanges nobody else is thought to have changed what changes twice.
_CLOSE, _NEAR = 10.0, 4
#: Members that may come back to an earlier value: each delivery that others try writes them.
_RECURRING = ("error_code", "error_description", "authentication_code", "log_information.updated_")


def run_recording(target: Target, config: RunConfig) -> Results:
    """Judge the recording in ``config`` and return the results; nothing is sent."""
    assert config.recording is not None  # noqa: S101 - for the type checker
    began, recording = time.monotonic(), config.recording
    findings = Findings()
    judge = _Judge(target.release, findings, _shared_tokens(recording, target.release))
    trouble = None
    try:
        for recorded, others in with_overlapping(recording.exchanges):
            config.stop.check()
            judge.see(recorded, others)
        judge.conclude()
        for choice in seen_in(judge.history, target.release):
            findings.chose(*choice)
    except KeyboardInterrupt:
        trouble = "interrupted"
    found = statement_results(
        findings, target.release, config.deviations, config.only, unseen=NOTHING_SHOWN
    )
    if findings.crashes:
        trouble = f"an internal error of crmcom-kit: {'; '.join(findings.crashes)}"
    elif trouble is None and all(each.verdict is StatementVerdict.NOT_EXERCISED for each in found):
        trouble = "no request in the recording tests any of the selected statements"
    warnings = [f"{len(judge.history)} recorded exchanges were checked, and nothing was sent"]
    if recording.skipped:
        warnings.append(f"skipped entries: {recording.skipped}")
    return Results(
        target=replace(target, secrets=tuple(sorted(judge.secrets))),
        options=config.options,
        command=config.command,
        seed=config.seed,
        began=recording.began,
        seconds=time.monotonic() - began,
        statements=found,
        history=tuple(judge.history),
        renewed=frozenset(judge.renewed),
        findings=findings,
        trouble=trouble,
        notes=tuple(judge.world.others.values()),
        never_served=judge.service.never_served(),
        warnings=tuple(warnings),
    )


def _shared_tokens(recording: Recording, release: Release) -> frozenset[str]:
    """Return the tokens that several logins have returned: they may stand for different ones.

    Raises RecordingError if logins of several organisations were served: their webhook requests
    could not be told apart.
    """
    tokens: Counter[str] = Counter()
    organisations: set[str] = set()
    for exchange in recording.history:
        if exchange.call.method in ("token", "web_api_key_token"):
            tokens.update(returned_tokens(exchange))
            given = read(exchange.call, release).given.get("organisation")
            if exchange.ok and isinstance(given, str):
                organisations.add(given)
    if len(organisations) > 1:
        names = ", ".join(sorted(organisations))
        msg = f"several organisations log in; record each of them separately: {names}"
        raise RecordingError(msg)
    return frozenset(token for token, count in tokens.items() if count > 1)


def with_overlapping(
    exchanges: Sequence[Recorded],
) -> Iterator[tuple[Recorded, list[Recorded]]]:
    """Yield each exchange with those that were under way at the same time.

    Two of which neither may change anything do not count.
    """
    found: dict[int, list[Recorded]] = {}
    active: list[Recorded] = []
    for each in exchanges:
        active = [other for other in active if other.end - _ROUNDED > each.start]
        if each.end - _ROUNDED > each.start:
            for other in active:
                if _changes(other) or _changes(each):
                    found.setdefault(id(each), []).append(other)
                    found.setdefault(id(other), []).append(each)
            active.append(each)
    for each in exchanges:
        yield each, [other for other in found.get(id(each), ()) if _changes(other)]


def _changes(recorded: Recorded) -> bool:
    return recorded.exchange.call.method in ("resend", "delete", "token_release")


class _Judge:
    """Has the checks look at each exchange of a recording, in its order."""

    def __init__(self, release: Release, findings: Findings, shared: frozenset[str]) -> None:
        self._release, self._findings = release, findings
        self._shared = shared
        self._checker = self._new_checker()
        self._doubts = Doubts()
        self._starts: dict[int, float] = {}  # by number of exchange
        self.history: list[Exchange] = []
        self.renewed: set[int] = set()  # exchanges before which the server got new content
        self.secrets: set[str] = set()

    def _new_checker(self) -> Checker:
        return Checker(World(self._release, exclusive=False, knows_tokens=False))

    @property
    def world(self) -> World:
        return self._checker.world

    def see(self, recorded: Recorded, others: list[Recorded]) -> None:
        """Check one exchange; ``others`` were under way with it and may have changed something."""
        sense = read(recorded.exchange.call, self._release)
        if recorded.anew:
            self._end_of_content()
        if not recorded.answered:
            self._lose(sense)
            return
        exchange = recorded.exchange
        self.history.append(exchange)
        self._starts[exchange.number] = recorded.start
        if recorded.anew:
            self.renewed.add(exchange.number)
        self._learn_secrets(exchange, sense)
        if others and not self._is_apart(sense, others):
            self._note(exchange, sense, self._alone(exchange, sense))
            return
        self._know_token(self.world, exchange, sense)
        expected, verdicts = self._checker.check(exchange)
        self._note(exchange, sense, verdicts)
        self._learn_spelling(exchange, expected)
        self._doubts.see(exchange, sense)
        for refused in self._checker.refused:
            if not self._is_unsure(sense.token):  # else it may be for the token's sake
                self._doubts.add(refused, self.world)
        self._checker.refused.clear()

    def conclude(self) -> None:
        """Judge what only the whole recording tells."""
        self._conclude_content()
        for violation in self.service.conclude():
            self._broke(violation)

    def _conclude_content(self) -> None:
        """Judge what all that was recorded of the present content tells."""
        history = self._checker.history
        history.coincidences[:] = [
            each for each in history.coincidences if self._is_close(each.violation)
        ]
        history.right_after.clear()  # hours may lie between two requests of a recording
        for violation in (*self._doubts.conclude(), *history.conclude()):
            self._broke(violation)

    def _end_of_content(self) -> None:
        """The server has other content from now on; what is known of its logins stays."""
        self._conclude_content()
        self._doubts = Doubts()
        self._checker.start()

    @property
    def service(self) -> Service:
        """How the requests of the recording were met."""
        return self._checker.service

    # Requests that were under way together.

    def _alone(self, exchange: Exchange, sense: Sense) -> list[Verdict]:
        """Check an exchange by itself, and forget what it may have changed."""
        checker = self._new_checker()
        self._know_token(checker.world, exchange, sense)
        _, verdicts = checker.check(exchange)
        self._lose(sense)
        return verdicts

    def _is_apart(self, sense: Sense, others: list[Recorded]) -> bool:
        """Whether a change is about another webhook request than those under way with it."""
        if sense.name not in ("resend", "delete"):
            return False
        own = self._ids(sense)
        return bool(own) and all(
            bool(ids) and own.isdisjoint(ids)
            for ids in (self._ids(read(each.exchange.call, self._release)) for each in others)
        )

    def _ids(self, sense: Sense) -> set[str]:
        """Return the ids of the known webhook requests that a request may name."""
        values = identifying_values([sense.given.get(IDENTIFIER)])
        records = self.world.records.items()
        return {key for key, record in records if key in values or record.get("number") in values}

    def _lose(self, sense: Sense) -> None:
        """Forget what a request may have changed: nobody knows whether it did, or when."""
        if sense.name in ("resend", "delete"):
            for key in self._ids(sense):
                self.world.lose(key)
        elif sense.name == "token_release" and isinstance(sense.token, str):
            self.world.set_token(sense.token, TokenState.DOUBTFUL)

    # Tokens.

    def _know_token(self, world: World, exchange: Exchange, sense: Sense) -> None:
        """Take a token for valid if the request was served: so the response says itself."""
        token = sense.token
        if not isinstance(token, str) or sense.name in ("token", "web_api_key_token"):
            return
        state = world.token_state(token)
        if exchange.ok and (state is TokenState.DOUBTFUL or self._is_unsure(token)):
            world.set_token(token, TokenState.LIVE)
        elif state is TokenState.RELEASED and self._is_unsure(token):
            world.set_token(token, TokenState.DOUBTFUL)

    def _is_unsure(self, token: object) -> bool:
        """Whether a token may stand for several ones, some of them valid and some not."""
        return isinstance(token, str) and (token in self._shared or is_placeholder(token))

    def _learn_secrets(self, exchange: Exchange, sense: Sense) -> None:
        found = {*secret_texts(dict(sense.given)), *returned_tokens(exchange)}
        key = basic_key(exchange.call)
        if key is not None and not any(value == HIDDEN_KEY for _, value in exchange.call.headers):
            found.add(key)
        self.secrets |= {text for text in found if not may_be_shown(text)}

    def _learn_spelling(self, exchange: Exchange, expected: Expectation) -> None:
        """Learn how an error is spelled, if a request has only that one reason to be refused."""
        kind, sense = kind_of(expected.statement), expected.sense
        if expected.must is not Must.REFUSE or kind is None or self._is_unsure(sense.token):
            return
        if sense.is_clear and len(list(refusals(exchange.call, sense, self.world))) <= 1:
            for choice in spelling(kind, exchange):
                self._findings.chose(*choice)

    # Verdicts.

    def _note(self, exchange: Exchange, sense: Sense, verdicts: Iterable[Verdict]) -> None:
        kept: list[str] = []
        for verdict in verdicts:
            if isinstance(verdict, CheckFailed):
                self._findings.crash(f"the check {verdict.check}", verdict.error)
            elif rests_on_removed(verdict, exchange, sense):
                continue
            elif isinstance(verdict, str):
                kept.append(verdict)
            elif not self._may_be_somebody_else(verdict):
                self._broke(verdict)
        self._findings.hold_all(kept, exchange)

    def _may_be_somebody_else(self, violation: Violation) -> bool:
        """Whether somebody else may have tried a delivery again: in a recording time passes.

        What a delete returns is compared with a sight that may be old; it counts if it comes again.
        """
        key, world = violation.record or "", self.world
        if violation.statement == "delete.returns_record":
            known, last = world.deleted.get(key), world.sights.get(key, {})
            paths = _changed_in(known, violation.exchanges[-1], key) if known else []
            if all(_recurs(path) or path == "life_cycle_state" for path in paths):
                violation.exchanges = (
                    *(sight.exchange for sight in last.values()),
                    *violation.exchanges,
                )
                self._checker.history.coincidences.append(Coincidence.of_one(violation, key))
                return True
        if violation.statement in _OF_READING and len(violation.exchanges) > 1:
            first = next((r for r in violation.exchanges[0].records if r.get("id") == key), None)
            paths = _changed_in(first, violation.exchanges[1], key) if first else []
            return bool(paths) and all(map(_recurs, paths)) and not self._is_close(violation)
        return False

    def _is_close(self, violation: Violation) -> bool:
        """Whether the exchanges of a violation were made within a short time."""
        numbers = [each.number for each in violation.exchanges]
        first, last = min(numbers), max(numbers)
        return last - first <= _NEAR and self._starts[last] - self._starts[first] <= _CLOSE

    def _broke(self, violation: Violation) -> None:
        violation.layer = violation.layer or "check"
        self._findings.broke(violation)


def _changed_in(known: Record, exchange: Exchange, key: str) -> list[str]:
    """Return the members of a webhook request that an exchange shows in another way."""
    for record in exchange.records:
        if record.get("id") == key:
            return differing(known, record)
    return []


def _recurs(path: str) -> bool:
    return path.startswith(_RECURRING)
