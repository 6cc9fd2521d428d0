"""The order in which a run sends requests, and how suspicions are settled on the way.

Log in, discover, first pass (reads before changes), second pass, look back. One step: draw, send,
observe, look, settle the queue.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypothesis.errors import HypothesisException

from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import BudgetSpent, TargetDown
from crmcom_kit.contract_tests.findings import Unreachable, Withheld
from crmcom_kit.contract_tests.next.belief import Belief, Record
from crmcom_kit.contract_tests.next.drawing import Chooser, in_chunks, weighted
from crmcom_kit.contract_tests.next.planning import Plan
from crmcom_kit.contract_tests.next.session import Session
from crmcom_kit.contract_tests.next.suspicions import Case, Hypothesis, Suspicion
from crmcom_kit.contract_tests.next.templates import Scene, Template
from crmcom_kit.contract_tests.next.visits import VISITS, Visit

#: So often one kind of suspicion is settled; after that it is counted only.
MAX_SETTLED = 6
#: After so many steps in which nothing could be sent there is nothing left to send.
MAX_IDLE = 100


@dataclass
class Campaign:
    """One run against one target; also what asks for a confirmation."""

    session: Session
    plan: Plan = field(default_factory=lambda: Plan({}))
    progress: Callable[[str], None] = lambda _: None  # gets what is tried next
    missed: dict[str, str] = field(default_factory=dict)  # method -> why something was not sent
    drawn: dict[int, tuple[Template, Any]] = field(default_factory=dict)  # by exchange number
    choose: Chooser = field(default=lambda values: values[0])
    unexplained: list[Suspicion] = field(default_factory=list)
    _settled: Counter[tuple[str, str]] = field(default_factory=Counter)
    _violated: set[str] = field(default_factory=set)

    @property
    def belief(self) -> Belief:
        """What is known of the target."""
        return self.session.belief

    @property
    def scene(self) -> Scene:
        """What templates draw from."""
        return self.session.scene

    @property
    def hits(self) -> int:
        """How often in a row something has to be seen before the target is accused."""
        return 2 if self.belief.exclusive or not self.belief.others else 3

    # Confirmations ask through these.

    def ask(self, call: Call) -> tuple[Exchange, Sequence[Suspicion]]:
        """Send a request of a confirmation as it stands."""
        exchange, suspicions, _ = self.session.send(self.session.renewed(call))
        return exchange, suspicions

    def call(self, method: str, parameters: Mapping[str, Any]) -> Exchange:
        """Call a method with the run's token; what it makes suspect is not followed up."""
        return self.session.call(method, parameters)

    def repeat(self, exchange: Exchange, *, idle: bool = False) -> Sequence[Suspicion] | None:
        """Draw the template of a request again, for another record, and look at its effect."""
        drawn = self.drawn.get(exchange.number)
        return None if drawn is None else self.step(*drawn, idle=idle)

    # Steps.

    def step(
        self, template: Template, variant: Any, *, idle: bool = False, few: bool = False
    ) -> list[Suspicion]:
        """Draw and send one request; look before and after if it goes to a changing method.

        With ``idle`` nothing is sent between the looks; with ``few`` there are fewer of them.
        """
        self.session.tokens.renew_ahead()
        call = template.draw(self.scene, variant, self.choose)
        if call is None or (template.changes and not self.session.is_documented(call)):
            return []
        subject = self._subject(call) if template.changes else None
        found: list[Suspicion] = []
        if template.changes and not few:
            found += self._look(subject)
        if idle:
            return found + self._look(subject, after=True)
        sent = self.session.send(self.session.renewed(call))
        if self.session.tokens.has_ended(sent):  # what changes something is never sent twice
            return found if template.changes else found + self.step(template, variant)
        self.drawn[sent.exchange.number] = (template, variant)
        found += sent.suspicions
        if template.changes:
            if template.spends and subject is not None:
                self.scene.spent.add(subject["id"])
            found += self._look(subject, after=True, few=few)
        return found

    def _subject(self, call: Call) -> Record | None:
        named = call.parameters.get(IDENTIFIER)
        for name, text in named.items() if isinstance(named, Mapping) else ():
            for each in self.belief.known.values():
                if each.record.get(name) == text:
                    return dict(each.record)
        return None

    def _look(
        self, subject: Record | None, *, after: bool = False, few: bool = False
    ) -> list[Suspicion]:
        """Show a webhook request, and list it with others that must stay as they are.

        With ``few`` looks only what was named is shown, and listed by its state.
        """
        found: list[Suspicion] = []
        looks: list[tuple[str, dict[str, Any]]] = []
        if subject is not None:
            entity, state = {"entity": subject["entity"]}, subject.get("life_cycle_state")
            looks.append(("show", {IDENTIFIER: {"id": subject["id"]}}))
            if after:
                looks.append(("show", {IDENTIFIER: {"number": subject["number"]}}))
                looks.append(("list", {**entity, "life_cycle_state": state}))
            looks.append(("list", entity))
        entities = self.scene.release.entities
        others = [each for each in entities if subject is None or each != subject["entity"]]
        at = len(self.belief.changes) - after
        looks.append(("list", {"entity": others[at % len(others)]}))
        for method, given in looks[0:4:2] * (subject is not None) if few else looks:
            found += self.session.request(method, given).suspicions
        return found

    # The queue.

    def settle(self) -> None:
        """Settle what is suspected so far."""
        while self.session.queue:
            suspicion = self.session.queue.pop(0)
            statement = suspicion.hypotheses[0].statement
            self._settled[suspicion.kind] += 1
            if self._settled[suspicion.kind] > MAX_SETTLED or statement in self._violated:
                continue
            self._settle(suspicion)

    def _settle(self, suspicion: Suspicion) -> None:
        for hypothesis in suspicion.hypotheses:
            if self._is_confirmed(Case(hypothesis.statement, suspicion), hypothesis):
                self._violated.add(hypothesis.statement)
                self._violated.add(suspicion.hypotheses[0].statement)
                violation = suspicion.violation(hypothesis.statement)
                violation.layer = "check"
                self.session.findings.broke(violation)
                return
        self.unexplained.append(suspicion)
        if suspicion.record is not None and not self.belief.exclusive:
            self.belief.others[suspicion.record] = suspicion.seen

    def _is_confirmed(self, case: Case, hypothesis: Hypothesis) -> bool:
        try:
            return hypothesis.confirmation.settle(case, self)
        except Unreachable:  # what would show it cannot be sent, or read
            return False

    # The passes.

    def steps(self) -> Iterator[None]:
        """Do one step after the other: the first pass as planned, then the second pass."""
        for template in self.plan.times:
            yield from self._first(template)
        if any(each.layer == "login" for each in self.plan.times):
            for visit in VISITS:
                self._visit(visit)
                yield
        idle, sent = 0, self.session.client.sent
        while idle < MAX_IDLE and (live := [e for e in self.plan.times if e.choices(self.scene)]):
            if not any(each.about for each in live):
                return  # there is nothing to ask about
            template = weighted(self.choose, live, [each.weight for each in live])
            self._do(template, self.choose(template.choices(self.scene)))
            idle = idle + 1 if self.session.client.sent == sent else 0
            sent = self.session.client.sent
            yield

    def _first(self, template: Template) -> Iterator[None]:
        """Send a template as often as it is planned, variant by variant."""
        for at in range(self.plan.times[template]):
            variants = template.choices(self.scene)
            if not variants or (at >= len(variants) and not template.about):
                return
            self._do(template, variants[at % len(variants)])
            yield

    def _do(self, template: Template, variant: Any) -> None:
        self.progress(template.name)
        with self._missing(template.method, f"the template {template.name}"):
            self.session.queue += self.step(template, variant, few=self.plan.few_looks)
            self.settle()

    def _visit(self, visit: Visit) -> None:
        self.progress(visit.__name__.replace("_", " "))
        with self._missing("login", f"the visit {visit.__name__}"):
            found = [*visit(self.session)]
            self.session.queue += found
            self.settle()

    @contextmanager
    def _missing(self, method: str, what: str) -> Iterator[None]:
        """Let what cannot be sent, or read, be; an error of the kit itself ends one step only."""
        try:
            yield
        except Withheld:
            pass  # it might leave the scope
        except Unreachable as missed:
            self.missed[method] = missed.why
        except (TargetDown, BudgetSpent, HypothesisException):
            raise
        except Exception as error:  # noqa: BLE001 - the other steps go on
            self.session.findings.crash(what, error)

    def run(self, seed: int) -> None:
        """Run until everything is tried or the budget is spent. Raises BudgetSpent, TargetDown."""
        steps = self.steps()

        def step(choose: Chooser) -> bool:
            self.choose = choose
            return next(steps, steps) is not steps

        in_chunks(seed, step)
