"""Send reads with open values: Hypothesis draws them, and shrinks one that shows a violation.

A read changes nothing, so Hypothesis may send any number of them to any server. All other requests
of a run are in an order that ``random.Random`` draws: a change cannot be tried again.
"""

import math
from collections.abc import Iterable, Sequence

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Flaky

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.settling import is_listed
from crmcom_kit.contract_tests.client.errors import BudgetSpent, TargetDown, Unreachable
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.options.deviations import Deviation
from crmcom_kit.contract_tests.oracle.findings import Broken, Violation, broken
from crmcom_kit.contract_tests.oracle.service import STATEMENT
from crmcom_kit.contract_tests.strategies import open_calls
from crmcom_kit.contract_tests.templates import Template
from crmcom_kit.contract_tests.templates.logins import plain_list

#: Health checks that would fail tests which are right: a server may be slow, its values may be
#: long, and a user's test may run the kit inside ``@given``.
IGNORED_CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.nested_given)
#: The maximum number of examples for each request; an example that was sent is not sent again.
EXAMPLES = 5
#: The number of requests beyond the plan that may be sent to shrink an example.
MORE_TO_SHRINK = 50


class Enough(Exception):
    """No more requests may be sent."""


class DrawnReads:
    """Sends reads that Hypothesis draws, each once, and returns the violations that they show.

    Hypothesis runs an example again to see that it fails again. Here the first run is enough, since
    each suspicion is confirmed before the example fails.
    """

    def __init__(
        self,
        campaign: Campaign,
        *,
        deviations: Iterable[Deviation] = (),
        ends_at: float = math.inf,
        deadline: float = math.inf,
    ) -> None:
        """Send through the session of ``campaign``, drawn from what is known now.

        Args:
            campaign: settles suspicions. Violations that it has noted are not returned.
            deviations: explain violations that are not returned either.
            ends_at: the number of requests at which the session sends no more.
            deadline: the client's time from which no more are sent.
        """
        self._campaign, self._ends_at, self._deadline = campaign, ends_at, deadline
        self.session, self.scene = campaign.session, campaign.scene.frozen()
        self._deviations = tuple(deviations)
        self._violations: dict[tuple[str, str], Violation | None] = {}  # by path and query
        self._error: Exception | None = None  # why no more requests are sent
        self.last_violation: Violation | None = None

    def __repr__(self) -> str:
        """Show nothing of the server: Hypothesis prints the arguments of a test."""
        return "<DrawnReads>"

    def violation(self, call: Call) -> Violation | None:
        """Send a request, unless it was sent before, and return the violation that it shows.

        Raises:
            Enough: see ``ends_at``.
            BudgetSpent, TargetDown: see ``Session.send``.
        """
        key = call.path, call.query
        if key not in self._violations:
            if self._error is not None:
                raise self._error
            try:
                self._violations[key] = self._first_violation(call)
            except Exception as error:
                self._error = error
                raise
        self.last_violation = self._violations[key] or self.last_violation
        return self._violations[key]

    def _first_violation(self, call: Call) -> Violation | None:
        """Send a request, and return the first violation that is confirmed."""
        session, client = self.session, self.session.client
        if client.sent >= self._ends_at + MORE_TO_SHRINK * bool(self.last_violation):
            raise Enough
        if client.now() >= self._deadline:
            raise Enough
        try:
            observation = session.send_patiently(session.with_current_token(call))
        except Unreachable:
            return None  # no URL can hold it, its response is too long, or none came
        for suspicion in observation.suspicions:
            violation = self._campaign.confirmed_violation(suspicion)
            if violation is not None and self._is_new(violation):
                return violation
        exchange = observation.exchange
        failure = self._failure(exchange.call) if exchange.status >= 500 else None
        return failure if failure is not None and self._is_new(failure) else None

    def _is_new(self, violation: Violation) -> bool:
        is_noted = self._campaign.has_violation((violation.statement, violation.method))
        return not is_noted and not is_listed(violation, self._deviations)

    def _failure(self, call: Call) -> Violation | None:
        """Send a failed request twice more, with others between; return what it breaks."""
        session = self.session
        if self._campaign.has_violation((STATEMENT, call.method)):
            return None
        try:
            for _ in range(2):
                session.send(plain_list(session.scene, session.scene.token))
                session.send(call)
        except Unreachable:
            return None
        return session.oracle.service.failure(call)


def draw_reads(
    campaign: Campaign,
    templates: Sequence[Template],
    number: int,
    seed: int,
    deadline: float = math.inf,
) -> None:
    """Send reads with open values, and note the violations that they show.

    Args:
        campaign: the run.
        templates: what is drawn from.
        number: about how many requests may be sent, to confirm and to shrink included.
        seed: of the draws. Hypothesis also draws constants of the modules that are loaded.
        deadline: the client's time from which no more are sent.

    Raises:
        BudgetSpent, TargetDown: see ``Session.send``.
    """
    client = campaign.session.client
    ends_at = client.sent + number
    pool = [row for row in templates if row.open_variants and row.choices(campaign.scene)]
    while pool and client.sent < ends_at and client.now() < deadline:
        campaign.progress("reads with values that no list names")
        violation = _first_violation(campaign, pool, ends_at, seed, deadline)
        if violation is None:
            return
        seed += 1  # the same draws would show only what is noted now


def _first_violation(
    campaign: Campaign, templates: Sequence[Template], ends_at: int, seed: int, deadline: float
) -> Violation | None:
    """Draw until a statement is broken; shrink, note and return the violation, or None.

    Raises BudgetSpent, TargetDown.
    """
    max_requests = ends_at - campaign.session.client.sent
    reads = DrawnReads(campaign, ends_at=ends_at, deadline=deadline)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=EXAMPLES * max_requests,
        phases=(Phase.generate, Phase.shrink),
        database=None,
        deadline=None,
        suppress_health_check=IGNORED_CHECKS,
        report_multiple_bugs=False,
    )
    @hypothesis.given(open_calls(reads.scene, templates))
    def example(call: Call) -> None:
        if (violation := reads.violation(call)) is not None:
            raise broken(violation.statement)

    try:
        example()
    except (Broken, Enough, Flaky):
        pass  # a confirmed violation counts, even if Hypothesis has not seen it again
    except (BudgetSpent, TargetDown):
        raise
    except Exception as error:  # noqa: BLE001 - the rest of the run goes on
        campaign.session.findings.note_crash("a read with values that no list names", error)
    finally:
        if reads.last_violation is not None:
            campaign.note_violation(reads.last_violation)
    campaign.settle()
    return reads.last_violation
