"""Send drawn requests, look around them, and settle what is suspected."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.interpretations import OBJECT_OF, Identifier
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.belief.tokens import TokenState
from crmcom_kit.contract_tests.campaign.planning import Plan
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.errors import Unreachable
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.options.options import CHANGES
from crmcom_kit.contract_tests.oracle.confirmations import Effect, OnlyBehind
from crmcom_kit.contract_tests.oracle.findings import Violation
from crmcom_kit.contract_tests.oracle.parsing import IDENTIFIER
from crmcom_kit.contract_tests.oracle.suspicions import Hypothesis, Suspicion
from crmcom_kit.contract_tests.templates import Scene, Template
from crmcom_kit.contract_tests.templates.lists import dates, filter_value
from crmcom_kit.contract_tests.templates.table import Chooser

#: The maximum number of suspicions of one kind that are settled; others are only counted.
MAX_SETTLED = 6

#: Further filters, in turn, of a list that shows one webhook request among few.
NARROW: tuple[Mapping[str, str], ...] = (
    {}, {"life_cycle_state": "REJECTED"}, {"life_cycle_state": "SUCCESSFUL"},
    {"fields_set": "id,number,life_cycle_state,error_code"},
)  # fmt: skip

Look = tuple[str, Mapping[str, Any]]  # show or list, and the parameters


@dataclass
class Campaign:
    """The steps of a run against one target; also the ``Asker`` of its confirmations."""

    session: Session
    plan: Plan = field(default_factory=lambda: Plan({}))
    progress: Callable[[str], None] = lambda _: None  # called with what is tried next
    why_unsent: dict[str, str] = field(default_factory=dict)  # method -> why something was not sent
    is_first_pass_sent: bool = False
    #: What requests were drawn from, by the number of the exchange: a template and its variant.
    origins: dict[int, tuple[Template, Any]] = field(default_factory=dict)
    choose: Chooser = field(default=lambda values: values[0])
    #: Whether a server does to webhook requests, without any change, what a change is blamed for.
    changes_by_itself: Callable[[], bool] = lambda: False
    _settled_counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _without_effect: set[tuple[str, str, int]] = field(default_factory=set)
    _violated_kinds: set[tuple[str, str]] = field(default_factory=set)  # statement, method

    @property
    def belief(self) -> Belief:
        """What is known of the target."""
        return self.session.belief

    @property
    def scene(self) -> Scene:
        """What templates draw from."""
        return self.session.scene

    # What confirmations ask.

    def ask(self, call: Call) -> tuple[Exchange, Sequence[Suspicion]]:
        """Send a request of a confirmation; send a read again if its token has ended."""
        observation = self.session.send_patiently(self.session.with_current_token(call))
        return observation.exchange, observation.suspicions

    def call(self, method: str, parameters: Mapping[str, Any]) -> Exchange:
        """Call a method with the run's token, and queue what is suspected."""
        return self.session.call(method, parameters)

    def repeat(self, exchange: Exchange, *, idle: bool = False) -> Sequence[Suspicion] | None:
        """Draw the template of a request for another webhook request, and look at the effect.

        With ``idle`` nothing is sent between the looks. Returns None if nothing can be drawn.
        """
        if exchange.number not in self.origins:
            return None
        template, variant = self.origins[exchange.number]

        def choose_alike(records: Sequence[Any]) -> Any:
            """Choose a record of the same state, if there is one: some faults affect only these."""
            return self.choose(self._of_same_state(exchange, records) or records)

        call = template.draw(self.scene, variant, choose_alike)
        if call is None:
            return None
        looks = self._looks(self._subject(call))
        self._forget_gone(looks)
        suspicions = [] if idle else self._send(call, template, variant)
        return suspicions + self._look(looks)

    def fresh_records(self, state: str) -> Sequence[Record]:
        """Return webhook requests in a state that may be changed, and were not resent yet."""
        by_id, records = self.belief.records.by_id, self.scene.records(state, in_scope=True)
        return [record for record in records if not by_id[record["id"]].was_resent]

    def similar_records(self, exchange: Exchange) -> Sequence[Record]:
        """Return webhook requests, of the same state, that a request's template may be about."""
        if exchange.number not in self.origins:
            return ()
        template, _ = self.origins[exchange.number]
        return self._of_same_state(exchange, template.records(self.scene))

    def _of_same_state(self, exchange: Exchange, records: Sequence[Record]) -> Sequence[Record]:
        """Return those in the state of the webhook request that an exchange is about."""
        state = (self._subject(exchange.call) or {}).get("life_cycle_state")
        return [record for record in records if record.get("life_cycle_state") == state]

    def queue_suspicions(self, suspicions: Sequence[Suspicion]) -> None:
        """Queue suspicions that a confirmation has met and that are not about it."""
        self.session.queue += suspicions

    # Steps.

    def send(self, call: Call, template: Template, variant: Any) -> list[Suspicion]:
        """Send a drawn request; look before and after if its method may change anything.

        If there are few looks, they come only afterwards, and show and list only the webhook
        request that was named. A request that must be refused has few.
        """
        if not template.changes:
            return self._send(call, template, variant)
        subject = self._subject(call)
        are_few = self.plan.few_looks or (subject is not None and not template.uses_up)
        looks = self._looks(subject, are_few=are_few)
        suspicions_before = self._look([] if are_few or subject is None else looks)
        return suspicions_before + self._send(call, template, variant) + self._look(looks)

    def _send(self, call: Call, template: Template, variant: Any) -> list[Suspicion]:
        """Send a drawn request, and what must follow it at once."""
        observation = self.session.send_patiently(call)
        self.origins[observation.exchange.number] = template, variant
        suspicions = [] if template.is_undocumented else [*observation.suspicions]
        if template.follow_up is not None:
            send = self._send_follow_up
            suspicions += template.follow_up(self.scene, variant, observation.exchange, send)
        return suspicions

    def _send_follow_up(self, call: Call) -> Exchange:
        """Send a request for ``Template.follow_up``, which checks a refusal itself."""
        observation = self.session.send(call)
        if observation.exchange.ok:
            self.session.queue += observation.suspicions
        return observation.exchange

    def _subject(self, call: Call) -> Record | None:
        """Return the webhook request that a call is about, if one is known."""
        identifier = call.parameters.get(IDENTIFIER)
        for name, text in identifier.items() if isinstance(identifier, Mapping) else ():
            if name in ("id", "number") and isinstance(text, str):
                record = self.belief.records.named(Identifier(name, text))
                candidates = [] if record is None else [record]
            else:
                candidates = [*self.belief.records.by_id.values()]
            for candidate in candidates:
                if candidate.is_nameable and candidate.typed.get(name) == text:
                    return candidate.typed
        return None

    # Looking.

    def _looks(self, subject: Record | None, *, are_few: bool = False) -> list[Look]:
        """Return a show of a webhook request, and lists that a change of it may empty or fill.

        Unless looks are few, there is also a list that the change must not affect: in turn of
        another entity, of the same definition, and of the same rule.
        """
        entities, turn = self.scene.release.entities, len(self.belief.changes.sent)
        if subject is None:
            return [] if are_few else [("list", {"entity": entities[turn % len(entities)]})]
        same_entity = {"entity": subject["entity"]}
        narrow_lists = [
            {**same_entity, "entity_id": subject["entity_id"], **filters} for filters in NARROW
        ]
        narrow_lists += [{**same_entity, "created_date": day} for day in dates(subject)[1:2]]
        first_look: Look = ("show", {IDENTIFIER: {"id": subject["id"]}})
        last_look: Look = ("list", narrow_lists[turn % len(narrow_lists)])
        if are_few:
            return [first_look, last_look]
        other_entities = [entity for entity in entities if entity != subject["entity"]]
        name = ("", *OBJECT_OF)[turn % 3]
        identifier = filter_value(subject, name, "id") if name else None
        other_list = {"entity": other_entities[turn // 3 % len(other_entities)]}
        return [
            first_look,
            ("show", {IDENTIFIER: {"number": subject["number"]}}),
            ("list", same_entity),
            ("list", other_list if identifier is None else {name: identifier}),
            last_look,
        ]

    def _look(self, looks: Sequence[Look]) -> list[Suspicion]:
        suspicions: list[Suspicion] = []
        tokens = [*self.scene.earlier_tokens(), None]
        for place, (method, parameters) in enumerate(looks):
            # All sessions must show the same: the second look uses the token of another one.
            token = {"token": tokens[0]} if place == 1 and tokens[0] is not None else {}
            suspicions += self.session.request(method, {**parameters, **token}).suspicions
        return suspicions

    def _forget_gone(self, looks: Sequence[Look]) -> None:
        """Look, and forget webhook requests that are gone, so that later looks don't miss them."""
        for method, parameters in looks:
            exchange = self.call(method, parameters)
            if method != "list" or not exchange.ok:
                continue
            by_id = exchange.by_id
            for record in [*self.belief.records.existing()]:
                fits = all(
                    filter_value(record.typed, name, "id") == value
                    for name, value in parameters.items()
                )
                if fits and record.id not in by_id:
                    self.belief.lose(record.id)

    # The queue.

    def settle(self) -> None:
        """Settle the suspicions in the queue."""
        while self.session.queue:
            suspicion = self.session.queue.pop(0)
            violation = self.confirmed_violation(suspicion)
            if violation is not None:
                self._violated_kinds.add(suspicion.kind)
                self.note_violation(violation)

    def note_violation(self, violation: Violation) -> None:
        """Note a violation; no more suspicions of its kind are settled."""
        self._violated_kinds.add((violation.statement, violation.method))
        self.session.findings.note_violation(violation)

    def has_violation(self, kind: tuple[str, str]) -> bool:
        """Return whether a violation of a statement by a method was noted."""
        return kind in self._violated_kinds

    def confirmed_violation(self, suspicion: Suspicion) -> Violation | None:
        """Return the violation that a suspicion turns out to be, or None.

        None also if its kind was noted already, or too many of its kind turned out to be none.
        """
        kind = suspicion.kind
        if self._settled_counts[kind] >= MAX_SETTLED or kind in self._violated_kinds:
            return None
        for hypothesis in (*suspicion.hypotheses, *self._blaming_read_before(suspicion)):
            if self.is_confirmed(suspicion, hypothesis):
                return suspicion.violation(hypothesis)
        self._settled_counts[kind] += 1
        self._note_reason(suspicion)
        return None

    def _note_reason(self, suspicion: Suspicion) -> None:
        """Note what may be the reason why no hypothesis of a suspicion was confirmed."""
        exchange = suspicion.exchange
        token = exchange.call.parameters.get("token")
        if not exchange.ok and token in self.scene.earlier_tokens():
            self.belief.tokens.note(token, TokenState.DOUBTFUL)  # it may have ended
            return
        is_refused_change = not exchange.ok and exchange.call.method in CHANGES
        if suspicion.record_id is not None and not is_refused_change:
            self.belief.by_others.sightings[suspicion.record_id] = suspicion.seen
            if not any(isinstance(hypothesis, Effect) for hypothesis in suspicion.hypotheses):
                self.belief.by_others.symptoms.add(suspicion.symptom)

    def _blaming_read_before(self, suspicion: Suspicion) -> Iterator[Hypothesis]:
        """Yield that the request before a read is the cause, if it is another read."""
        call, number = suspicion.exchange.call, suspicion.exchange.number
        for predecessor in self.session.client.history[number - 2 : number - 1]:
            if predecessor.call.verb == call.verb == "GET" and predecessor.call != call:
                yield OnlyBehind(suspicion.hypotheses[0].statement, predecessor.call)

    def is_confirmed(self, suspicion: Suspicion, hypothesis: Hypothesis) -> bool:
        """Return whether a hypothesis is true, and send the requests that show it."""
        effect = None
        if isinstance(hypothesis, Effect):
            effect = hypothesis.statement, suspicion.symptom, hypothesis.change.number
        if effect in self._without_effect:  # many responses may show one change
            return False
        try:
            if hypothesis.settle(suspicion, self):
                is_of_others = isinstance(hypothesis, Effect) and hypothesis.by_anybody
                return not (is_of_others and self.changes_by_itself())
        except Unreachable as error:  # what would show it cannot be sent, or read
            self.why_unsent.setdefault(suspicion.exchange.call.method, str(error))
        if effect is not None:
            self._without_effect.add(effect)
        return False
