"""One step of a run: draw a request, send it, look around it, and settle what is suspected."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief, Record, TokenState
from crmcom_kit.contract_tests.belief.interpretations import OBJECT_OF, Identifier
from crmcom_kit.contract_tests.campaign.planning import Plan
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.errors import Unreachable
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.options.options import CHANGES
from crmcom_kit.contract_tests.oracle.findings import Violation
from crmcom_kit.contract_tests.oracle.sense import IDENTIFIER
from crmcom_kit.contract_tests.oracle.suspicions import Effect, Hypothesis, OnlyBehind, Suspicion
from crmcom_kit.contract_tests.templates import Scene, Template
from crmcom_kit.contract_tests.templates.lists import dates, value
from crmcom_kit.contract_tests.templates.table import Chooser

#: So often one kind of suspicion is settled; after that it is counted only.
MAX_SETTLED = 6

#: What lists one webhook request with few others has in turn, beside what these have in common.
NARROW: tuple[Mapping[str, str], ...] = (
    {}, {"life_cycle_state": "REJECTED"}, {"life_cycle_state": "SUCCESSFUL"},
    {"fields_set": "id,number,life_cycle_state,error_code"},
)  # fmt: skip

Look = tuple[str, Mapping[str, Any]]  # show or list, and the parameters


@dataclass
class Campaign:
    """One run against one target; also what asks for a confirmation."""

    session: Session
    plan: Plan = field(default_factory=lambda: Plan({}))
    progress: Callable[[str], None] = lambda _: None  # gets what is tried next
    missed: dict[str, str] = field(default_factory=dict)  # method -> why something was not sent
    is_first_pass_sent: bool = False
    #: What requests were drawn from, by the number of the exchange: a template and its variant.
    drawn: dict[int, tuple[Template, Any]] = field(default_factory=dict)
    choose: Chooser = field(default=lambda values: values[0])
    _settled: Counter[tuple[str, str]] = field(default_factory=Counter)
    _without_effect: set[tuple[str, str, int]] = field(default_factory=set)
    _violated: set[tuple[str, str]] = field(default_factory=set)  # statement, method

    @property
    def belief(self) -> Belief:
        """What is known of the target."""
        return self.session.belief

    @property
    def scene(self) -> Scene:
        """What templates draw from."""
        return self.session.scene

    # Confirmations ask through these.

    def ask(self, call: Call) -> tuple[Exchange, Sequence[Suspicion]]:
        """Send a request of a confirmation as it stands; a read again if its token has ended."""
        sent = self.session.persist(self.session.renewed(call))
        return sent.exchange, sent.suspicions

    def call(self, method: str, parameters: Mapping[str, Any]) -> Exchange:
        """Call a method with the run's token; what it makes suspect is not followed up."""
        return self.session.call(method, parameters)

    def repeat(self, exchange: Exchange, *, idle: bool = False) -> Sequence[Suspicion] | None:
        """Draw the template of a request again, for another record, and look at its effect."""
        if exchange.number not in self.drawn:
            return None
        template, variant = self.drawn[exchange.number]
        state = (self._subject(exchange.call) or {}).get("life_cycle_state")

        def alike(values: Sequence[Any]) -> Any:
            """Choose one of the same state, if there is one: some faults reach these only."""
            same = [each for each in values if each.get("life_cycle_state") == state]
            return self.choose(same or values)

        call = template.draw(self.scene, variant, alike)
        if call is None:
            return None
        looks = self._looks(self._subject(call))
        self._take_stock(looks)
        found = [] if idle else self._send(call, template, variant)
        return found + self._look(looks)

    def spare(self, state: str) -> Sequence[Record]:
        """Return webhook requests in a state that may be changed, and were not sent again yet."""
        records = self.scene.records(state, in_scope=True)
        return [each for each in records if not self.belief.tracked[each["id"]].resent]

    def alike(self, exchange: Exchange) -> Sequence[Record]:
        """Return the webhook requests that the template of a request may be about."""
        template = self.drawn.get(exchange.number, (None, None))[0]
        if template is None:
            return ()
        state = (self._subject(exchange.call) or {}).get("life_cycle_state")
        records = template.records(self.scene)
        return [record for record in records if record.get("life_cycle_state") == state]

    def keep(self, found: Sequence[Suspicion]) -> None:
        """Have settled later what was seen on the way to a confirmation, and is another matter."""
        self.session.queue += found

    # Steps.

    def step(self, template: Template, variant: Any) -> list[Suspicion]:
        """Draw and send one request; look before and after if it goes to a changing method."""
        call = template.draw(self.scene, variant, self.choose)
        return [] if call is None else self.send(call, template, variant)

    def send(self, call: Call, template: Template, variant: Any) -> list[Suspicion]:
        """Send a request that was drawn; look before and after if it goes to a changing method.

        With few looks, as around what is to be refused, only what was named is shown afterwards,
        and listed.
        """
        if not template.changes:
            return self._send(call, template, variant)
        subject = self._subject(call)
        few = self.plan.few_looks or (subject is not None and not template.spends)
        looks = self._looks(subject, few=few)
        before = self._look([] if few or subject is None else looks)
        return before + self._send(call, template, variant) + self._look(looks)

    def _send(self, call: Call, template: Template, variant: Any) -> list[Suspicion]:
        """Send a request that was drawn, and what has to follow it at once."""
        sent = self.session.persist(call)
        self.drawn[sent.exchange.number] = template, variant
        found = [] if template.is_odd else [*sent.suspicions]
        if template.then is not None:
            found += template.then(self.scene, variant, sent.exchange, self._send_on)
        return found

    def _send_on(self, call: Call) -> Exchange:
        """Send a request; what is suspect in a refusal is for the one who sends it to say."""
        sent = self.session.send(call)
        if sent.exchange.ok:
            self.session.queue += sent.suspicions
        return sent.exchange

    def _subject(self, call: Call) -> Record | None:
        named = call.parameters.get(IDENTIFIER)
        for name, text in named.items() if isinstance(named, Mapping) else ():
            if name in ("id", "number") and isinstance(text, str):
                known = self.belief.named(Identifier(name, text))
                likely = [] if known is None else [known]
            else:
                likely = [*self.belief.tracked.values()]
            for each in likely:
                if each.is_nameable and each.typed.get(name) == text:
                    return each.typed
        return None

    # Looking.

    def _looks(self, subject: Record | None, *, few: bool = False) -> list[Look]:
        """Return what shows a webhook request, and lists that a change of it may empty, or fill.

        Unless they are to be few, there are others as well that must stay as they are: in turn
        those of another entity, of its definition, and of its rule.
        """
        entities, at = self.scene.release.entities, len(self.belief.changes)
        if subject is None:
            return [] if few else [("list", {"entity": entities[at % len(entities)]})]
        entity = {"entity": subject["entity"]}
        narrow = [{**entity, "entity_id": subject["entity_id"], **beside} for beside in NARROW]
        narrow += [{**entity, "created_date": day} for day in dates(subject)[1:2]]
        first: Look = ("show", {IDENTIFIER: {"id": subject["id"]}})
        last: Look = ("list", narrow[at % len(narrow)])
        if few:
            return [first, last]
        others = [each for each in entities if each != subject["entity"]]
        name = ("", *OBJECT_OF)[at % 3]
        like = value(subject, name, "id") if name else None
        return [
            first,
            ("show", {IDENTIFIER: {"number": subject["number"]}}),
            ("list", entity),
            ("list", {"entity": others[at // 3 % len(others)]} if like is None else {name: like}),
            last,
        ]

    def _look(self, looks: Sequence[Look]) -> list[Suspicion]:
        found: list[Suspicion] = []
        tokens = [*self.scene.earlier_tokens(), None]
        for at, (method, given) in enumerate(looks):
            # Each session shows the same; the second look is by another one, if there is one.
            token = {"token": tokens[0]} if at == 1 and tokens[0] is not None else {}
            found += self.session.request(method, {**given, **token}).suspicions
        return found

    def _take_stock(self, looks: Sequence[Look]) -> None:
        """Look, and forget what is not there: what is missed later went in between."""
        for method, given in looks:
            exchange = self.call(method, given)
            if method != "list" or not exchange.ok:
                continue
            listed = exchange.by_id
            for known in [*self.belief.existing()]:
                fits = all(value(known.typed, name, "id") == given[name] for name in given)
                if fits and known.id not in listed:
                    self.belief.lose(known.id)

    # The queue.

    def settle(self) -> None:
        """Settle what is suspected so far."""
        while self.session.queue:
            suspicion = self.session.queue.pop(0)
            violation = self.settled(suspicion)
            if violation is not None:
                self._violated.add(suspicion.kind)
                self.note(violation)

    def note(self, violation: Violation) -> None:
        """Note a violation: others of its kind are not settled any more."""
        self._violated.add((violation.statement, violation.method))
        self.session.findings.broke(violation)

    def is_noted(self, kind: tuple[str, str]) -> bool:
        """Whether a violation of a statement by a method was noted."""
        return kind in self._violated

    def settled(self, suspicion: Suspicion) -> Violation | None:
        """Return the violation that a suspicion turns out to be, or None.

        None as well if one of its kind was noted, or others of its kind were none.
        """
        kind = suspicion.kind
        if self._settled[kind] >= MAX_SETTLED or kind in self._violated:
            return None
        for hypothesis in (*suspicion.hypotheses, *self._behind(suspicion)):
            if self.is_confirmed(suspicion, hypothesis):
                return suspicion.violation(hypothesis)
        self._settled[kind] += 1
        self._let_go(suspicion)
        return None

    def _let_go(self, suspicion: Suspicion) -> None:
        """Note what may be the reason that no hypothesis of a suspicion was confirmed."""
        exchange = suspicion.exchange
        token = exchange.call.parameters.get("token")
        if not exchange.ok and token in self.scene.earlier_tokens():
            self.belief.set_token(token, TokenState.DOUBTFUL)  # it has ended
            return
        is_refused_change = not exchange.ok and exchange.call.method in CHANGES
        if suspicion.record is not None and not is_refused_change:
            self.belief.changed_by_others[suspicion.record] = suspicion.seen
            if not any(isinstance(each.confirmation, Effect) for each in suspicion.hypotheses):
                self.belief.done_by_others.add(suspicion.symptom)

    def _behind(self, suspicion: Suspicion) -> Iterator[Hypothesis]:
        """Yield that the request before a read is its cause, if that one reads, too."""
        exchange = suspicion.exchange
        for each in self.session.client.history[exchange.number - 2 : exchange.number - 1]:
            if each.call.verb == exchange.call.verb == "GET" and each.call != exchange.call:
                yield Hypothesis(suspicion.hypotheses[0].statement, OnlyBehind(each.call))

    def is_confirmed(self, suspicion: Suspicion, hypothesis: Hypothesis) -> bool:
        """Send what settles a hypothesis, and return whether it is true."""
        cause = hypothesis.confirmation
        tried = (
            (hypothesis.statement, suspicion.symptom, cause.change.number)
            if isinstance(cause, Effect)
            else None
        )
        if tried in self._without_effect:  # one change may be seen in many responses
            return False
        try:
            if cause.settle(suspicion, hypothesis.statement, self):
                return True
        except Unreachable as missed:  # what would show it cannot be sent, or read
            self.missed.setdefault(suspicion.exchange.call.method, str(missed))
        if tried is not None:
            self._without_effect.add(tried)
        return False
