"""Send reads with values that no list names: Hypothesis draws them, and shrinks what is wrong.

A read changes nothing. So Hypothesis may send any number of them to any server, and smaller and
smaller ones to find the simplest request that shows a violation. Everything else of a run is in an
order that ``random.Random`` draws: what has changed a server cannot be tried again.
"""

import math
from collections.abc import Callable, Sequence

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Flaky

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.client.errors import BudgetSpent, TargetDown, Unreachable
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.oracle.findings import Broken, Violation, broken
from crmcom_kit.contract_tests.oracle.service import STATEMENT
from crmcom_kit.contract_tests.strategies import open_calls
from crmcom_kit.contract_tests.templates import Template
from crmcom_kit.contract_tests.templates.logins import plain_list

#: These know nothing of a server: it may be slow, its values long, and the kit be used inside of
#: somebody's own ``@given``.
SENSELESS = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.nested_given)
#: So many examples are drawn at most for each request: one that was sent is not sent again.
EXAMPLES = 5
#: So many requests more than planned may be sent to shrink what was found.
MORE_TO_SHRINK = 50


class Enough(Exception):
    """As many requests were sent as may be."""


class DrawnReads:
    """Sends reads that Hypothesis draws: each once, and raises what it shows to be broken.

    Hypothesis sends an example again to see that it fails again. Here it has failed again before
    it fails at all, since each suspicion is confirmed.
    """

    def __init__(
        self,
        campaign: Campaign,
        ends_at: float = math.inf,
        until: float = math.inf,
        *,
        accepts: Callable[[Violation], bool] = lambda _: False,
        worded: Callable[[Violation], str] = str,
    ) -> None:
        """Send through the session of ``campaign``, which settles what is suspected.

        Args:
            campaign: also knows what was noted already, and is not raised again.
            ends_at: how many requests the session has sent at the end.
            until: the client's time at which no more are sent.
            accepts: says whether a violation was accepted beforehand.
            worded: returns the message for a violation.
        """
        self._campaign, self._ends_at, self._until = campaign, ends_at, until
        self._accepts, self._worded = accepts, worded
        self._judged: dict[tuple[str, str], Violation | None] = {}  # by path and query
        self._ended: Exception | None = None  # why nothing is sent any more
        self.last: Violation | None = None  # what was raised last

    def __repr__(self) -> str:
        """Show nothing of the server: Hypothesis prints what a test was given."""
        return "<DrawnReads>"

    def check(self, call: Call) -> None:
        """Send a request, unless it was sent before.

        Raises:
            Broken: a statement is broken.
            Enough: see ``ends_at``.
            BudgetSpent, TargetDown: see ``Session.send``.
        """
        key = call.path, call.query
        if key not in self._judged:
            if self._ended is not None:
                raise self._ended
            try:
                self._judged[key] = self._violation(call)
            except Exception as error:
                self._ended = error
                raise
        violation = self._judged[key]
        if violation is not None:
            self.last = violation
            raise broken(violation.statement)(self._worded(violation))

    def _violation(self, call: Call) -> Violation | None:
        """Send a request, and return the first violation that is confirmed."""
        campaign = self._campaign
        client = campaign.session.client
        if client.sent >= self._ends_at + MORE_TO_SHRINK * bool(self.last):
            raise Enough
        if client.now() >= self._until:
            raise Enough
        try:
            sent = campaign.session.persist(campaign.session.renewed(call))
        except Unreachable:
            return None  # no URL can hold it, or its response is too long, or none came
        for suspicion in sent.suspicions:
            violation = campaign.settled(suspicion)
            if violation is not None and self._is_news(violation):
                return violation
        failure = self._failure(sent.exchange.call) if sent.exchange.status >= 500 else None
        return failure if failure is not None and self._is_news(failure) else None

    def _is_news(self, violation: Violation) -> bool:
        is_noted = self._campaign.is_noted((violation.statement, violation.method))
        return not is_noted and not self._accepts(violation)

    def _failure(self, call: Call) -> Violation | None:
        """Send a request that failed again at two other moments; return what it breaks."""
        session = self._campaign.session
        if self._campaign.is_noted((STATEMENT, call.method)):
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
    until: float = math.inf,
) -> None:
    """Try reads with values that no list names, and note the violations that they show.

    Args:
        campaign: the run.
        templates: what is drawn from.
        number: about how many requests may be sent, those to confirm and to shrink among them.
        until: the client's time at which no more are sent.
        seed: of what is drawn; constants of the modules that are loaded are drawn as well.

    Raises:
        BudgetSpent, TargetDown: see ``Session.send``.
    """
    client = campaign.session.client
    ends_at = client.sent + number
    open_ones = [each for each in templates if each.further and each.choices(campaign.scene)]
    while open_ones and client.sent < ends_at and client.now() < until:
        campaign.progress("reads with values that no list names")
        violation = _first_violation(campaign, open_ones, ends_at, seed, until)
        if violation is None:
            return
        seed += 1  # of what is noted by now nothing more is said


def _first_violation(
    campaign: Campaign, templates: Sequence[Template], ends_at: int, seed: int, until: float
) -> Violation | None:
    """Draw until something is broken, shrink and note it; None if nothing is.

    Raises BudgetSpent, TargetDown.
    """
    left = ends_at - campaign.session.client.sent
    reads = DrawnReads(campaign, ends_at, until)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=EXAMPLES * left,
        phases=(Phase.generate, Phase.shrink),
        database=None,
        deadline=None,
        suppress_health_check=SENSELESS,
        report_multiple_bugs=False,
    )
    @hypothesis.given(open_calls(campaign.scene.frozen(), templates))
    def example(call: Call) -> None:
        reads.check(call)

    try:
        example()
    except (Broken, Enough, Flaky):
        pass  # what was confirmed is a violation, also if Hypothesis did not see it again
    except (BudgetSpent, TargetDown):
        raise
    except Exception as error:  # noqa: BLE001 - the rest of the run goes on
        campaign.session.findings.crash("a read with values that no list names", error)
    finally:
        if reads.last is not None:
            campaign.note(reads.last)
    campaign.settle()
    return reads.last
