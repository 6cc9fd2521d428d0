"""Combine requests where the target can be reset, and shrink what that finds.

The campaign goes through every template once, and looks around after each change. Here the same
templates are drawn and the same oracle observes, but each example starts anew: with few webhook
requests, some of the layers, and often without a look between two changes. So it finds what only
several requests in a row reveal. An example ends with the first violation of a statement that has
held so far; then parts of its requests are sent again, until none can be left out.

Hypothesis draws, and does not shrink: its shrinker knows nothing of requests, and sends thousands
for what takes a few dozen here.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis.errors import HypothesisException

from crmcom_kit.contract_tests.belief.belief import TokenState
from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.drawing import Chooser, in_chunks, weighted
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.campaign.shortening import (
    Log,
    fresh_oracle,
    logins_of,
    shorten,
    shortest,
    with_logins,
)
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import BudgetSpent, Client, TargetDown
from crmcom_kit.contract_tests.findings import Unreachable, Violation
from crmcom_kit.contract_tests.oracle.oracle import CHANGING
from crmcom_kit.contract_tests.oracle.sights import READS
from crmcom_kit.contract_tests.oracle.suspicions import Suspicion
from crmcom_kit.contract_tests.templates import Template
from crmcom_kit.contract_tests.templates.table import LAYERS

#: What reports call it.
LAYER = "machine"
#: So many steps one example has.
STEPS = 24
#: A layer of its own: a read of the example is sent once more.
AGAIN = "again"
#: Templates that change something are drawn so many times as often as in a campaign.
CHANGES_MORE = 3
#: So many statements are found broken, and so many requests shrink the example of each.
MAX_FOUND, MAX_SHRINKING = 4, 150
#: Of the budget one part in so many is kept for that.
RESERVED_PART = 5


def explore(
    session: Session,
    templates: Sequence[Template],
    reset: Callable[[], None],
    *,
    seed: int,
    budget: int,
) -> None:
    """Combine requests until ``budget`` is spent; note what breaks, each with a short witness.

    The same seed sends the same requests.

    Args:
        session: of the run, whose client sends; its belief is left as it is. What is broken in its
            findings already ends no example.
        templates: what may be drawn.
        reset: gives the target the content that it had at its start; tokens may end.
        seed: what the examples are drawn from.
        budget: requests that may be sent, if the client has as many left.

    Raises:
        TargetDown, Unreachable: the target stopped answering, or returned no token.
        KeyboardInterrupt: the run was told to stop.
    """
    exploration = Exploration(session, templates, reset)
    client, began = session.client, session.client.sent
    try:
        with _at_most(client, budget - budget // RESERVED_PART), suppress(BudgetSpent):
            in_chunks(seed, exploration.example)
    except BaseException:  # also Ctrl-C: nothing more is sent
        exploration.note(shrinks=False)
        raise
    with _at_most(client, budget - (client.sent - began)):
        exploration.note(shrinks=not client.is_time_up)


@contextmanager
def _at_most(client: Client, requests: int) -> Iterator[None]:
    """Let a client send so many requests at most."""
    limits, left = client.limits, client.left
    most = requests if left is None else min(requests, left)
    client.limits = replace(limits, max_requests=client.sent + client.reserved + most)
    try:
        yield
    finally:
        client.limits = limits


@dataclass
class Exploration:
    """What all examples share."""

    session: Session
    templates: Sequence[Template]
    reset: Callable[[], None]
    #: By statement and method, an example that shows a violation, up to the response that shows it.
    found: dict[tuple[str, str], tuple[Violation, Log]] = field(default_factory=dict)

    @property
    def _client(self) -> Client:
        return self.session.client

    def _begin(self, violations: list[Violation]) -> Campaign:
        """Reset the target; return what knows nothing of it, and is logged in.

        What it finds broken is added to ``violations``, and not to the findings of the run.
        """
        self.reset()
        self._client.renewed.add(len(self._client.history) + 1)
        run, oracle = self.session, fresh_oracle(self.session)
        token = run.scene.login.token
        scene = replace(run.scene, belief=oracle.belief, token=token, spent=set())
        session = Session(self._client, oracle, scene, run.findings, stop=run.stop)
        if token is None:
            session.tokens.renew()
        return Campaign(session, broke=violations.append)

    def example(self, choose: Chooser) -> bool:
        """Run one example; return whether there may be more to find."""
        try:
            self._example(choose)
        except (BudgetSpent, TargetDown, Unreachable, HypothesisException):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not pass unseen
            self.session.findings.crash("the machine", error)
            return False
        return len({statement for statement, _ in self.found}) < MAX_FOUND

    def _example(self, choose: Chooser) -> None:
        """Reset the target, list one entity, two or all, send requests, and list once more."""
        start, violations = len(self._client.history), list[Violation]()
        campaign = self._begin(violations)
        campaign.choose = choose
        entities = list(campaign.scene.release.entities)
        if choose(range(3)):
            entities = list(dict.fromkeys(choose(entities) for _ in range(2)))
        layers = [AGAIN, *(each for each in LAYERS if choose((True, False)))]
        for at in range(STEPS + 2):
            with suppress(Unreachable):  # not allowed, or too long to be read
                if at in (0, STEPS + 1):
                    _look(campaign, entities)
                else:
                    self._step(campaign, choose(layers), start)
                campaign.settle()
            if self._keeps(violations, self._client.history[start:]):
                return

    def _step(self, campaign: Campaign, layer: str, start: int) -> None:
        """Send a request of a layer, or a read of this example once more."""
        if layer == AGAIN:
            sent = (each.call for each in self._client.history[start:])
            reads = [each for each in sent if each.method in READS]
            campaign.session.queue += campaign.ask(campaign.choose(reads))[1] if reads else ()
            return
        fit = (e for e in self.templates if e.layer == layer and not e.is_odd)
        live = [each for each in fit if each.choices(campaign.scene)]
        if live:
            weights = [each.weight * (CHANGES_MORE if each.spends else 1) for each in live]
            template = weighted(campaign.choose, live, weights)
            variant = campaign.choose(template.choices(campaign.scene))
            campaign.session.queue += _sent(campaign, template, variant)

    def _keeps(self, violations: Sequence[Violation], log: Sequence[Exchange]) -> bool:
        """Keep a violation of a statement that has held; return whether there is one."""
        for violation in violations:
            kind = violation.statement, violation.method
            if kind not in self.found and not self.session.findings.is_broken(*kind):
                last = violation.exchanges[-1].number
                self.found[kind] = (violation, tuple(e for e in log if e.number <= last))
                return True
        return False

    # What broke.

    def note(self, *, shrinks: bool) -> None:
        """Note what is broken in the findings of the run, each with a short witness.

        Without ``shrinks`` nothing is sent for it.
        """
        for kind, (violation, log) in self.found.items():
            rests_on = shorten(violation, log, self.session)
            witness = self._shrunk(kind, log, rests_on) if shrinks else rests_on
            violation.layer = LAYER
            violation.witness = tuple(each.call for each in witness)
            self.session.findings.broke(violation)

    def _shrunk(self, kind: tuple[str, str], log: Log, rests_on: Log) -> Log:
        """Return a short part of an example that shows a kind of violation when it is sent again.

        What the violation rests on may not be enough: several changes may be its cause.
        """
        until, logins = self._client.sent + MAX_SHRINKING, logins_of(log)

        def shows(part: Log) -> bool:
            if self._client.sent + len(part) >= until:
                return False
            calls = [each.call for each in (*part, log[-1])]
            return kind in self._suspected(calls, logins)

        likely = {each.number for each in rests_on}
        changes = {each.number for each in log if each.ok and each.call.method in CHANGING}
        part = shortest(log[:-1], [likely, likely | changes], shows)
        return log if part is None else with_logins((*part, log[-1]), logins)

    def _suspected(self, calls: Sequence[Call], tokens: Collection[str]) -> set[tuple[str, str]]:
        """Return what the last of some requests makes suspect, sent with a token of their own."""
        found: Sequence[Suspicion] = ()
        with suppress(Unreachable, BudgetSpent, TargetDown):
            campaign = self._begin([])
            for token in tokens:
                campaign.belief.set_token(token, TokenState.LIVE)  # so it is renewed
            for each in calls:
                _, found = campaign.ask(each)
            return {each.blamed(one) for each in found for one in each.hypotheses}
        return set()


def _look(campaign: Campaign, entities: Sequence[str]) -> None:
    for entity in entities:
        campaign.call("list", {"entity": entity})


def _sent(campaign: Campaign, template: Template, variant: Any) -> Sequence[Suspicion]:
    """Send a request of a template; look around a change, or do not."""
    if not template.changes or campaign.choose((False, True)):
        return campaign.step(template, variant)
    call = template.draw(campaign.scene, variant, campaign.choose)
    return () if call is None else campaign.ask(call)[1]
