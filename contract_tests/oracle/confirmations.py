"""Hypotheses by how they are confirmed: each class says which requests settle it.

The requests are sent through an ``Asker``. The oracle observes them like all other requests.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.interpretations import OBJECT_OF
from crmcom_kit.contract_tests.belief.knowledge import differing
from crmcom_kit.contract_tests.belief.records import Record, TrackedRecord
from crmcom_kit.contract_tests.client.errors import Unreachable
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.oracle.parsing import IDENTIFIER
from crmcom_kit.contract_tests.oracle.suspicions import Asker, Hypothesis, Suspicion
from crmcom_kit.schemas.members import value_at

#: The maximum number of webhook requests that are looked at before a request is sent again.
MAX_LOOKED_AT = 5
#: The maximum number of looks at what a list rests on, if more of it is gone each time.
MAX_ROUNDS = 4
#: The maximum number of lists that are requested again because they ruled out an interpretation.
MAX_CALLS_AGAIN = 8


@dataclass(frozen=True, slots=True)
class Again(Hypothesis):
    """The same request shows it again, after a look at the webhook requests that it rests on."""

    rests_on: tuple[str, ...] = ()  # ids

    def settle(self, suspicion: Suspicion, asker: Asker, /) -> bool:
        """Look, and send the request again, as often as it takes."""
        for _ in range(asker.belief.by_others.min_sightings - 1):
            looked_at = self.rests_on[:MAX_LOOKED_AT]
            before = {key: look_at(key, asker) for key in looked_at}
            exchange, suspicions = asker.ask(suspicion.exchange.call)
            if not _is_suspected(self.statement, suspicions, looked_at):
                return False
            # Only this response shows a wrong one: the webhook request itself stays as it was.
            key = suspicion.record_id if self.statement == "identifier.selects" else None
            if key is not None and _has_changed(before.get(key), exchange.by_id.get(key), asker):
                return False  # a job of the server, or somebody else, has changed it in between
        return True


def _has_changed(before: Record | None, record: Record | None, asker: Asker) -> bool:
    """Return whether a response showed a webhook request changed, and it has stayed so since."""
    if before is None or record is None or not _differ(before, record):
        return False
    return not _differ(record, show(record["id"], asker))


@dataclass(frozen=True, slots=True)
class OnlyBehind(Hypothesis):
    """A response is wrong right after another request each time, and right without it."""

    predecessor: Call

    def settle(self, suspicion: Suspicion, asker: Asker, /) -> bool:
        """Alternate between the request alone and after ``predecessor``.

        So a load balancer that alternates servers cannot look like the cause.
        """
        for _ in range(asker.belief.by_others.min_sightings):
            for is_behind in (False, True):
                if is_behind:
                    asker.ask(self.predecessor)
                _, suspicions = asker.ask(suspicion.exchange.call)
                if _is_suspected(self.statement, suspicions) != is_behind:
                    return False
        return True


@dataclass(frozen=True, slots=True)
class Refused(Hypothesis):
    """A request is refused, and its sibling served, in turn.

    The two differ only in what the statement says to make no difference. A server that has another
    reason, such as a permission, a limit or maintenance, refuses both.
    """

    method: str
    refused: Mapping[str, Any]
    served: Mapping[str, Any]  # the parameters of the sibling
    rests_on: tuple[str, ...] = ()  # ids of webhook requests that must exist
    #: Parameters that must be refused. If their refusal has another wording, the server may have
    #: another reason. None: any refusal counts.
    control: Mapping[str, Any] | None = None

    def settle(self, _suspicion: Suspicion, asker: Asker, /) -> bool:
        """Send both in turn, as often as it takes."""
        if self.control is not None:
            refusal = asker.call(self.method, self.control)
            if refusal.wording != asker.call(self.method, self.refused).wording:
                return False
        for _ in range(asker.belief.by_others.min_sightings):
            if not asker.call(self.method, self.served).ok:
                return False
            if not _all_exist(self.rests_on, asker) or not self._still_fits(asker.belief):
                return False
            if asker.call(self.method, self.refused).ok:
                return False
        return True

    def _still_fits(self, belief: Belief) -> bool:
        """Return whether what a list has to find still has the names that the list asks for."""
        names = OBJECT_OF & self.refused.keys()
        return self.method != "list" or all(
            value_at(belief.records.condensed[key], f"{OBJECT_OF[name]}.{field}") in (None, text)
            for key in self.rests_on
            for name in names
            for field, text in self.refused[name].items()
        )


class ChangeForm(NamedTuple):
    """The form of a request of resend or delete: its identifier and its other parameters."""

    form: str  # of the identifier: id or number
    state: str  # of the webhook request
    extras: Mapping[str, Any]  # the other parameters

    def parameters(self, record: Record) -> dict[str, Any]:
        """Return the parameters of a request that is about a webhook request."""
        return {IDENTIFIER: {self.form: record[self.form]}, **self.extras}


@dataclass(frozen=True, slots=True)
class RefusedChange(Hypothesis):
    """Changes of one kind are refused, and their siblings served, in turn.

    A sibling names the same webhook request in another way, or one in the other state. A served
    change uses up its webhook request: if too few may be changed, nothing is concluded.
    """

    record: Record  # the webhook request of the refused change
    refused: ChangeForm
    served: ChangeForm

    def settle(self, suspicion: Suspicion, asker: Asker, /) -> bool:
        """Send the sibling, and both of another webhook request. Raises Unreachable."""
        method, hits = suspicion.exchange.call.method, asker.belief.by_others.min_sightings
        records, own_id = asker.similar_records(suspicion.exchange), self.record["id"]
        refused = [self.record, *(record for record in records if record["id"] != own_id)]
        siblings: Sequence[Record] = refused
        if self.served.state != self.refused.state:
            siblings, refused = asker.fresh_records(self.served.state), [*refused, self.record]
        if min(len(refused), len(siblings)) < hits:
            msg = f"to compare a refused {method} takes {hits} webhook requests in scope"
            raise Unreachable(msg)
        for place, (record, sibling) in enumerate(zip(refused[:hits], siblings, strict=False)):
            if place and asker.call(method, self.refused.parameters(record)).ok:
                return False
            if not _all_exist((record["id"],), asker):
                return False
            if not asker.call(method, self.served.parameters(sibling)).ok:
                return False
        return True


def _all_exist(keys: Sequence[str], asker: Asker) -> bool:
    """Look at webhook requests, and return whether all of them exist."""
    for key in keys:
        look_at(key, asker)
    return all(key in asker.belief.records.condensed for key in keys)


@dataclass(frozen=True, slots=True)
class RefusedCall(Hypothesis):
    """A request is refused each time, and one that should fare the same is served each time.

    It is a login in two forms, the same login twice, or the release of a token and a list with
    that token.
    """

    refused: Call
    served: Call

    def settle(self, _suspicion: Suspicion, asker: Asker, /) -> bool:
        """Send both, in an order that no rate limit and no servers in turn could explain."""
        order = (True, False, True, False) if self.served == self.refused else _IRREGULAR_ORDER
        for gap, is_served in enumerate(order * (asker.belief.by_others.min_sightings - 1)):
            for _ in range(gap):
                asker.call("list", {"entity": asker.belief.release.entities[0]})
            if asker.ask(self.served if is_served else self.refused)[0].ok is not is_served:
                return False
        return True


#: Served (True) and refused (False) requests, in an order that does not alternate.
_IRREGULAR_ORDER = (True, False, False, True, False, True)


@dataclass(frozen=True, slots=True)
class Disagree(Hypothesis):
    """Show and list always return a webhook request as before, and always in two different ways."""

    record: TrackedRecord

    def settle(self, _suspicion: Suspicion, asker: Asker, /) -> bool:
        """Look at it in an order that servers behind a load balancer could not explain."""
        first_sights: dict[str, Record | None] = {}
        if _narrow_list(self.record) is None:
            return False
        for method in ("show", "show", "list", "show", "show", "list", "show"):
            is_show = method == "show"
            sight = show(self.record.id, asker) if is_show else list_one(self.record, asker)
            if _differ(sight, first_sights.setdefault(method, sight)):
                return False  # it changes meanwhile
            if len(first_sights) == 2 and not _differ(*first_sights.values()):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Effect(Hypothesis):
    """The same kind of change, of other records, has the same effect each time."""

    change: Exchange
    by_anybody: bool = False  # whether somebody else may have done it, at any time
    extra_sightings: int = 0  # that it needs beyond those of other confirmations

    def cause(self, _suspicion: Suspicion) -> Exchange:
        """Return the change."""
        return self.change

    def settle(self, suspicion: Suspicion, asker: Asker, /) -> bool:
        """Repeat the change a few times.

        Not every change must show it: some faults affect only records of some kind.
        """
        if self.by_anybody and suspicion.symptom in asker.belief.by_others.symptoms:
            return False  # who did it is no longer known
        sightings_missing = asker.belief.by_others.min_sightings - 1 + self.extra_sightings
        for _ in range(sightings_missing + 2):
            suspicions = asker.repeat(self.change)
            if suspicions is None:
                return False
            sightings_missing -= _is_suspected(self.statement, suspicions)
            asker.queue_suspicions(
                [other for other in suspicions if not _is_suspected(self.statement, [other])]
            )
            for _ in range(asker.belief.by_others.min_sightings - 1):
                idle_suspicions = asker.repeat(self.change, idle=True) or ()
                if any(other.symptom == suspicion.symptom for other in idle_suspicions):
                    return False  # it happens without the change, too
            if not sightings_missing:
                return True
        return False


@dataclass(frozen=True, slots=True)
class PagesContradict(Hypothesis):
    """Two pages come as before each time, and contradict each other."""

    pages: tuple[Exchange, Exchange]

    def settle(self, _suspicion: Suspicion, asker: Asker, /) -> bool:
        """Ask for both pages, in an order that servers behind a balancer could not explain."""
        for _ in range(asker.belief.by_others.min_sightings - 1):
            for place in (0, 0, 1, 0, 1, 1):
                exchange, _ = asker.ask(self.pages[place].call)
                if _ids(exchange) != _ids(self.pages[place]):
                    return False
        return True


@dataclass(frozen=True, slots=True)
class TooFew(Hypothesis):
    """A list is too short again, right after everything that it selects was listed with ids."""

    filters: Mapping[str, Any]  # of the list
    ids: Set[str]  # of webhook requests that must be there

    def settle(self, suspicion: Suspicion, asker: Asker, /) -> bool:
        """List all and forget what is not there, then ask for the list again."""
        for _ in range(asker.belief.by_others.min_sightings - 1):
            full_list = asker.call("list", self.filters)
            if not full_list.ok:
                return False
            for key in self.ids - full_list.by_id.keys():
                asker.belief.lose(key)
            _, suspicions = asker.ask(suspicion.exchange.call)
            if not any(isinstance(hypothesis, TooFew) for hypothesis in _hypotheses(suspicions)):
                return False  # it may still contradict other pages, if there is no fixed order
        return True


@dataclass(frozen=True, slots=True)
class Contradicted(Hypothesis):
    """No interpretation explains all lists, also when all are requested again."""

    calls: tuple[Call, ...]  # lists that ruled out interpretations that would explain this one
    #: Ids of webhook requests: if one has changed, some interpretation may explain the list.
    rests_on: tuple[str, ...] = ()

    def settle(self, suspicion: Suspicion, asker: Asker, /) -> bool:
        """Ask for the lists that contradict this one again, and show what they depend on.

        Then ask for this list again.
        """
        exclusions = asker.belief.lists.exclusions
        for _ in range(asker.belief.by_others.min_sightings - 1):
            exclusions.take_back(lambda exclusion: exclusion.exchange.call in self.calls)
            for call in self.calls[-MAX_CALLS_AGAIN:]:
                exchange, _ = asker.ask(call)
                # A webhook request that the list lacks now may have been deleted.
                for key in exclusions.rest_on(exchange)[:MAX_LOOKED_AT]:
                    look_at(key, asker)
            if not self._comes_again(suspicion.exchange.call, asker):
                return False
        return True

    def _comes_again(self, call: Call, asker: Asker) -> bool:
        """Return whether the list is contradicted again.

        Every webhook request that it rests on is looked at before.
        """
        looked_at, keys = dict[str, None](), [*self.first_ids]
        for _ in range(MAX_ROUNDS):
            for key in keys:
                look_at(key, asker)
            looked_at |= dict.fromkeys(keys)
            _, suspicions = asker.ask(call)
            causes = [cause for cause in _hypotheses(suspicions) if isinstance(cause, Contradicted)]
            keys = [key for cause in causes for key in cause.first_ids if key not in looked_at]
            if not keys:
                return _is_suspected(self.statement, suspicions, [*looked_at])
        return False  # too much has changed

    @property
    def first_ids(self) -> tuple[str, ...]:
        """The ids of those that are looked at first."""
        return self.rests_on[: 2 * MAX_LOOKED_AT]


def look_at(key: str, asker: Asker) -> Record | None:
    """Return a webhook request as it is shown now; forget it if list lacks it, too."""
    record, sight = asker.belief.records.by_id.get(key), show(key, asker)
    if sight is None and record is not None and list_one(record, asker) is None and record.exists:
        asker.belief.lose(key)
    return sight


def show(key: str, asker: Asker) -> Record | None:
    """Return a webhook request as show returns it now, or None."""
    sights = asker.call("show", {IDENTIFIER: {"id": key}}).records
    return next((sight for sight in sights if sight.get("id") == key), None)


def list_one(record: TrackedRecord, asker: Asker) -> Record | None:
    """Return a webhook request as list returns it now, or None."""
    filters = _narrow_list(record)
    if filters is None:
        return None
    sights = asker.call("list", filters).records
    return next((sight for sight in sights if sight.get("id") == record.id), None)


def _narrow_list(record: TrackedRecord) -> dict[str, str] | None:
    """Return the filters that list a webhook request with few others, or None."""
    filters = {name: record.condensed.get(name) for name in ("entity", "entity_id")}
    fits = all(isinstance(value, str) and value for value in filters.values())
    return filters if fits else None  # type: ignore[return-value]


def _differ(before: Record | None, after: Record | None) -> bool:
    if before is None or after is None:
        return before is not after
    return bool(differing(before, after))


def _is_suspected(
    statement: str, suspicions: Sequence[Suspicion], looked_at: Sequence[str] = ()
) -> bool:
    """Return whether a statement is suspected again.

    If ``looked_at`` has ids, only suspicions about these count, or about no webhook request.
    """
    relevant_suspicions = (
        suspicion
        for suspicion in suspicions
        if not looked_at or suspicion.record_id is None or suspicion.record_id in looked_at
    )
    return any(hypothesis.statement == statement for hypothesis in _hypotheses(relevant_suspicions))


def _hypotheses(suspicions: Iterable[Suspicion]) -> Iterator[Hypothesis]:
    return chain.from_iterable(suspicion.hypotheses for suspicion in suspicions)


def _ids(exchange: Exchange) -> list[Any]:
    return [record.get("id") for record in exchange.records]
