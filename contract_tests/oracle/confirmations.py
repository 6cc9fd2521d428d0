"""The requests that settle a suspicion, a class for each way to confirm a hypothesis.

Each class is data, which says what to ask, with the one method that asks. It sends through an
``Asker``, whose requests are observed as all others are.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import Belief, Record, TrackedRecord
from crmcom_kit.contract_tests.belief.interpretations import OBJECT_OF
from crmcom_kit.contract_tests.belief.knowledge import differing, value_at
from crmcom_kit.contract_tests.client.errors import Unreachable
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.oracle.sense import IDENTIFIER
from crmcom_kit.contract_tests.oracle.suspicions import Asker, Confirmation, Suspicion


@dataclass(frozen=True, slots=True)
class Again(Confirmation):
    """The same request shows it again, once it was looked at what it rests on."""

    rests_on: tuple[str, ...] = ()  # ids
    passes: bool = False  # the webhook request must be as before once the response is over

    def settle(self, suspicion: Suspicion, statement: str, asker: Asker, /) -> bool:
        """Look, and ask again as often as it takes."""
        for _ in range(asker.belief.min_sightings - 1):
            looked_at = self.rests_on[:MAX_LOOKED_AT]
            before = {key: look_at(key, asker) for key in looked_at}
            exchange, found = asker.ask(suspicion.exchange.call)
            if not _has(found, statement, looked_at):
                return False
            key = suspicion.record if self.passes else None
            if key is not None and _has_changed(before.get(key), exchange.by_id.get(key), asker):
                return False  # a job of the server, or somebody else, has changed it in between
        return True


def _has_changed(before: Record | None, record: Record | None, asker: Asker) -> bool:
    """Whether a response showed a webhook request changed, and it has stayed so since."""
    if before is None or record is None or not _differ(before, record):
        return False
    return not _differ(record, shown(record["id"], asker))


#: So many webhook requests are looked at before a request is sent again.
MAX_LOOKED_AT = 5


@dataclass(frozen=True, slots=True)
class OnlyBehind(Confirmation):
    """A request that reads is wrong right behind another one each time, and right alone."""

    before: Call

    def settle(self, suspicion: Suspicion, statement: str, asker: Asker, /) -> bool:
        """Send it alone and behind the other, so that two servers in turn are no cause."""
        for _ in range(asker.belief.min_sightings):
            for first in (None, self.before):
                if first is not None:
                    asker.ask(first)
                _, found = asker.ask(suspicion.exchange.call)
                if _has(found, statement) == (first is None):
                    return False
        return True


@dataclass(frozen=True, slots=True)
class Refused(Confirmation):
    """A request is refused, and its sibling served, in turn.

    The two differ only in what makes no difference by the statement. So what the server refuses for
    another reason, such as a permission, a limit or maintenance, it refuses to both.
    """

    method: str
    refused: Mapping[str, Any]
    served: Mapping[str, Any]  # the parameters of the sibling
    rests_on: tuple[str, ...] = ()  # ids of webhook requests that must exist
    #: Parameters that must be refused: if they are refused in another way, the server may have
    #: another reason. None: any refusal counts.
    alike: Mapping[str, Any] | None = None

    def settle(self, _suspicion: Suspicion, _statement: str, asker: Asker, /) -> bool:
        """Send both in turn, as often as it takes."""
        if self.alike is not None:
            alike = asker.call(self.method, self.alike)
            if alike.wording != asker.call(self.method, self.refused).wording:
                return False
        for _ in range(asker.belief.min_sightings):
            if not asker.call(self.method, self.served).ok:
                return False
            if not _all_exist(self.rests_on, asker) or not self._still_fits(asker.belief):
                return False
            if asker.call(self.method, self.refused).ok:
                return False
        return True

    def _still_fits(self, belief: Belief) -> bool:
        """Whether what a list has to find is still called what it is asked for by."""
        wanted = {OBJECT_OF[name]: self.refused[name] for name in OBJECT_OF & self.refused.keys()}
        return self.method != "list" or all(
            value_at(belief.records[key], f"{member}.{field}") in (None, text)
            for key in self.rests_on
            for member, identifier in wanted.items()
            for field, text in identifier.items()
        )


class ChangeForm(NamedTuple):
    """How a request of resend or delete names a webhook request, and what it has beside."""

    form: str  # of the identifier: id or number
    state: str  # of the webhook request
    beside: Mapping[str, Any]  # other parameters

    def parameters(self, record: Record) -> dict[str, Any]:
        """Return the parameters of a request that is about a webhook request."""
        return {IDENTIFIER: {self.form: record[self.form]}, **self.beside}


@dataclass(frozen=True, slots=True)
class RefusedChange(Confirmation):
    """Changes of one kind are refused, and their siblings served, in turn.

    A sibling names the same webhook request in another way, or one in the other state. What is
    served is used up: where too few webhook requests may be changed, nothing is concluded.
    """

    record: Record  # the one that was refused
    refused: ChangeForm
    served: ChangeForm

    def settle(self, suspicion: Suspicion, _statement: str, asker: Asker, /) -> bool:
        """Send the sibling, and both of another webhook request. Raises Unreachable."""
        method, hits = suspicion.exchange.call.method, asker.belief.min_sightings
        alike = asker.alike(suspicion.exchange)
        refused = [self.record, *(other for other in alike if other["id"] != self.record["id"])]
        siblings: Sequence[Record] = refused
        if self.served.state != self.refused.state:
            siblings, refused = asker.spare(self.served.state), [*refused, self.record]
        if min(len(refused), len(siblings)) < hits:
            msg = f"to compare a refused {method} takes {hits} webhook requests in scope"
            raise Unreachable(msg)
        for at, (record, sibling) in enumerate(zip(refused[:hits], siblings, strict=False)):
            if at and asker.call(method, self.refused.parameters(record)).ok:
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
    return all(key in asker.belief.records for key in keys)


@dataclass(frozen=True, slots=True)
class RefusedCall(Confirmation):
    """A right login is refused each time, and served each time in a form that is no better.

    Without another form it is the same login that is served and refused in turn. Or a token is not
    released, with which a list is served each time.
    """

    refused: Call
    served: Call

    def settle(self, _suspicion: Suspicion, _statement: str, asker: Asker, /) -> bool:
        """Send both, in no rhythm that a rate limit or servers in turn could have."""
        order = (True, False, True, False) if self.served == self.refused else _NO_RHYTHM
        for gap, is_served in enumerate(order * (asker.belief.min_sightings - 1)):
            for _ in range(gap):
                asker.call("list", {"entity": asker.belief.release.entities[0]})
            if asker.ask(self.served if is_served else self.refused)[0].ok is not is_served:
                return False
        return True


_NO_RHYTHM = (True, False, False, True, False, True)


@dataclass(frozen=True, slots=True)
class Disagree(Confirmation):
    """Show and list return a webhook request the same each time, and not the same as each other."""

    known: TrackedRecord

    def settle(self, _suspicion: Suspicion, _statement: str, asker: Asker, /) -> bool:
        """Look at it in no rhythm that servers behind a balancer could share."""
        first: dict[str, Record | None] = {}
        if _group(self.known) is None:
            return False
        for method in ("show", "show", "list", "show", "show", "list", "show"):
            now = shown(self.known.id, asker) if method == "show" else listed(self.known, asker)
            if _differ(now, first.setdefault(method, now)):
                return False  # it changes meanwhile
            if "list" in first and not _differ(first["show"], first["list"]):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Effect(Confirmation):
    """The same kind of change, of other records, has the same effect each time."""

    change: Exchange
    by_anybody: bool = False  # others may as well have done it, at any time
    more: int = 0  # so many hits more than for other confirmations

    def cause(self, _suspicion: Suspicion) -> Exchange:
        """Return the change."""
        return self.change

    def settle(self, suspicion: Suspicion, statement: str, asker: Asker, /) -> bool:
        """Repeat the change a few times.

        Not every change needs to show it: some faults reach only what is like their record.
        """
        if self.by_anybody and suspicion.symptom in asker.belief.done_by_others:
            return False  # nobody can tell any more who did it
        missing = asker.belief.min_sightings - 1 + self.more
        for _ in range(missing + 2):
            found = asker.repeat(self.change)
            if found is None:
                return False
            missing -= _has(found, statement)
            asker.keep([each for each in found if not _has([each], statement)])
            for _ in range(asker.belief.min_sightings - 1):
                idle = asker.repeat(self.change, idle=True) or ()
                if any(each.symptom == suspicion.symptom for each in idle):
                    return False  # it happens without the change as well
            if not missing:
                return True
        return False


@dataclass(frozen=True, slots=True)
class PagesContradict(Confirmation):
    """Two pages come as before each time, and contradict each other."""

    pages: tuple[Exchange, Exchange]

    def settle(self, _suspicion: Suspicion, _statement: str, asker: Asker, /) -> bool:
        """Ask for both pages, in no rhythm that servers behind a balancer could share."""
        for _ in range(asker.belief.min_sightings - 1):
            for at in (0, 0, 1, 0, 1, 1):
                again, _found = asker.ask(self.pages[at].call)
                if _ids(again) != _ids(self.pages[at]):
                    return False
        return True


@dataclass(frozen=True, slots=True)
class TooFew(Confirmation):
    """A list is too short again, right after all that it selects was listed, with ids."""

    whole: Mapping[str, Any]  # what lists all
    ids: Set[str]  # of those that must be there

    def settle(self, suspicion: Suspicion, _statement: str, asker: Asker, /) -> bool:
        """List all and forget what is not there, then ask for the list again."""
        for _ in range(asker.belief.min_sightings - 1):
            every = asker.call("list", self.whole)
            if not every.ok:
                return False
            for key in self.ids - every.by_id.keys():
                asker.belief.lose(key)
            _, found = asker.ask(suspicion.exchange.call)
            if not any(isinstance(each.hypotheses[0].confirmation, TooFew) for each in found):
                return False  # it may contradict others still, if the order is no order
        return True


@dataclass(frozen=True, slots=True)
class Contradicted(Confirmation):
    """No way to read the filters explains all lists, also when they are all asked for again."""

    calls: tuple[Call, ...]  # lists that ruled out the ways that would explain this one
    #: Ids of those that must be as they are known: if not, some way explains the list.
    rests_on: tuple[str, ...] = ()

    def settle(self, suspicion: Suspicion, statement: str, asker: Asker, /) -> bool:
        """Send the lists again, then look at what the last one rests on, and ask for it again."""
        belief = asker.belief
        for _ in range(belief.min_sightings - 1):
            belief.take_back(lambda exclusion: exclusion.call in self.calls)
            for call in self.calls[-MAX_CALLS_AGAIN:]:
                again, _ = asker.ask(call)
                # What it lacks now may have gone since it was seen.
                fresh = (
                    exclusion
                    for exclusion in belief.every_exclusion()
                    if exclusion.number == again.number
                )
                keys = dict.fromkeys(
                    exclusion.rests_on for exclusion in fresh if exclusion.rests_on is not None
                )
                for key in [*keys][:MAX_LOOKED_AT]:
                    look_at(key, asker)
            if not self._comes_again(suspicion.exchange.call, statement, asker):
                return False
        return True

    def _comes_again(self, call: Call, statement: str, asker: Asker) -> bool:
        """Whether it is so again once all that it rests on, then too, was looked at."""
        looked_at, keys = dict[str, None](), [*self.first]
        for _ in range(MAX_ROUNDS):
            for key in keys:
                look_at(key, asker)
            looked_at |= dict.fromkeys(keys)
            _, found = asker.ask(call)
            causes = [one.confirmation for each in found for one in each.hypotheses]
            again = [each for each in causes if isinstance(each, Contradicted)]
            keys = [key for each in again for key in each.first if key not in looked_at]
            if not keys:
                return _has(found, statement, [*looked_at])
        return False  # too much has changed

    @property
    def first(self) -> tuple[str, ...]:
        """The ids of those that are looked at."""
        return self.rests_on[: 2 * MAX_LOOKED_AT]


#: So often what a list rests on is looked at, where more of it has gone each time.
MAX_ROUNDS = 4
#: So many lists that ruled out an interpretation are asked for again.
MAX_CALLS_AGAIN = 8


def look_at(key: str, asker: Asker) -> Record | None:
    """Return a webhook request as it is shown; if list lacks it too, it is gone, and forgotten."""
    known, record = asker.belief.tracked.get(key), shown(key, asker)
    if record is None and known is not None and listed(known, asker) is None and known.exists:
        asker.belief.lose(key)
    return record


def shown(key: str, asker: Asker) -> Record | None:
    """Return a webhook request as show returns it now, or None."""
    found = asker.call("show", {IDENTIFIER: {"id": key}}).records
    return next((each for each in found if each.get("id") == key), None)


def listed(known: TrackedRecord, asker: Asker) -> Record | None:
    """Return a webhook request as list returns it now, or None."""
    group = _group(known)
    if group is None:
        return None
    found = asker.call("list", group).records
    return next((each for each in found if each.get("id") == known.id), None)


def _group(known: TrackedRecord) -> dict[str, str] | None:
    """Return what lists a webhook request with few others."""
    given = {name: known.record.get(name) for name in ("entity", "entity_id")}
    fits = all(isinstance(value, str) and value for value in given.values())
    return given if fits else None  # type: ignore[return-value]


def _differ(one: Record | None, other: Record | None) -> bool:
    if one is None or other is None:
        return one is not other
    return bool(differing(one, other))


def _has(found: "Sequence[Suspicion]", statement: str, looked_at: Sequence[str] = ()) -> bool:
    """Whether a statement is suspected again; not because of what was not looked at just now."""
    return any(
        statement == one.statement
        for each in found
        if not looked_at or each.record is None or each.record in looked_at
        for one in each.hypotheses
    )


def _ids(exchange: Exchange) -> list[Any]:
    return [each.get("id") for each in exchange.records]
