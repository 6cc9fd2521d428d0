"""The order of a server's lists: the keys that explain all lists that were seen.

Each pair of neighbors in a list rules out keys: the first key in which the two differ must put the
first one first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.calibration.decision_tree import OUTWEIGHS
from crmcom_kit.contract_tests.calibration.learned import Grade
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.schemas.members import members_of
from crmcom_kit.schemas.ordering import Key, sort_key, sort_value, value_of

MAX_LEARNED_KEYS = 3  # of an order
BEAM = 6  # orders that are extended at a time
#: Members by which servers usually sort; the first of equally good keys wins.
_USUAL = ("created_date", "number", "id", "updated_date", "changed_date", "entity")
#: Members that changes set.
_SET_BY_CHANGES = ("updated_date", "changed_date")
#: Members that no order goes by, and members that have shorter names.
_NEVER_KEYS = (
    "request", "response", "log_information.created_date", "log_information.updated_date",
)  # fmt: skip


class Pair(NamedTuple):
    """Two neighbors of a list."""

    first: Record
    second: Record
    number: int  # of the exchange


@dataclass(frozen=True, slots=True)
class Order:
    """What was learned of the order of lists."""

    keys: tuple[str, ...]  # as ``list.order`` has them; none if nothing was seen
    grade: Grade  # observed if the keys explain all lists, except for ties
    reason: str
    ids: tuple[str, ...] = ()  # in the order of all lists, if no keys explain it
    rival: tuple[str, ...] = ()  # other keys that explain the lists as well


def learned_order(exchanges: Sequence[Exchange], unsteady: frozenset[str]) -> Order:
    """Return the order of the lists among some exchanges.

    ``unsteady`` are the ids of webhook requests that others may have changed meanwhile.
    """
    lists = _Lists(exchanges, unsteady)
    if not lists.pairs:
        return Order((), Grade.UNSETTLED, "no list of several was seen")
    fits = _ranked_fits(lists.pairs)
    fit, pair_count = fits[0], counted(len(lists.pairs), "pair")
    misfits = [pair for pair, verdict in zip(lists.pairs, fit.verdicts, strict=True) if verdict > 0]
    if misfits or fit.ties == len(lists.pairs):
        if ids := lists.ids_in_order():
            why = "no members explain them: it is that of world.jsonl"
            return Order(("added",), Grade.OBSERVED, f"{pair_count} of neighbors; {why}", ids)
        why = lists.contradiction(misfits or lists.pairs) or "no members explain all lists"
        return Order(fit.texts, Grade.UNSETTLED, f"no order fits: {why}")
    if rivals := _rivals(fits, lists.pairs):
        why = f"two orders fit: {', '.join(fit.texts)}; or {', '.join(rivals[0].texts)}"
        return Order(fit.texts, Grade.UNSETTLED, why, rival=rivals[0].texts)
    tie = f"; no key explains {fit.ties} of them" if fit.ties else ""
    return Order(fit.texts, Grade.OBSERVED, f"{pair_count} of neighbors{tie}")


class _Lists:
    """The lists that were seen: pairs of neighbors, with all that is known of both."""

    def __init__(self, exchanges: Sequence[Exchange], unsteady: frozenset[str]) -> None:
        """Read them in their order: what a list does not show of a record was shown before."""
        self.pairs: list[Pair] = []
        self._places: list[tuple[int, dict[str, int]]] = []  # by id, of each list
        records, pair_ids = dict[str, Record](), set[tuple[int, int]]()
        for exchange in exchanges:
            for key, record in exchange.by_id.items():
                old_record = records.get(key, {})
                full_record = {**old_record, **record}
                if full_record != old_record:  # else pairs are recognized by the same object
                    records[key] = full_record
            if exchange.call.method != "list":
                continue
            ids = [key for key in exchange.by_id if key not in unsteady]
            self._places.append((exchange.number, {key: at for at, key in enumerate(ids)}))
            for first, second in pairwise(records[key] for key in ids):
                if (id(first), id(second)) not in pair_ids:
                    pair_ids.add((id(first), id(second)))
                    self.pairs.append(Pair(first, second, exchange.number))

    def ids_in_order(self) -> tuple[str, ...]:
        """Return all ids in the order that the lists have; none if they contradict each other."""
        order = TopologicalSorter[str]()
        for first, second, _ in self.pairs:
            order.add(second["id"], first["id"])
        try:
            return tuple(order.static_order())
        except CycleError:
            return ()

    def contradiction(self, pairs: Sequence[Pair]) -> str | None:
        """Say which two lists have the same two webhook requests in different orders."""
        for pair in pairs:
            first, second = pair.first["id"], pair.second["id"]
            for number, places in self._places:
                if places.keys() >= {first, second} and places[first] > places[second]:
                    low, high = sorted((pair.number, number))
                    return f"requests {low} and {high} have the same two in different orders"
        return None


class _Fit(NamedTuple):
    """Keys, and what they say of each pair: -1 explained, 1 contradicted, 0 a tie."""

    keys: tuple[Key, ...]
    verdicts: Sequence[int]

    @property
    def texts(self) -> tuple[str, ...]:
        """The keys in the notation of dialects."""
        return tuple(map(str, self.keys))

    @property
    def ties(self) -> int:
        """How many pairs the keys leave open."""
        return self.verdicts.count(0)

    @property
    def cost(self) -> tuple[int, int]:
        """How badly the keys explain the pairs, and how many there are: less is better."""
        return OUTWEIGHS * self.verdicts.count(1) + self.ties, len(self.keys)

    @property
    def goes_by_changes(self) -> bool:
        """Whether a change may move a webhook request in a list."""
        return any(key.member in _SET_BY_CHANGES for key in self.keys)

    def sorted(self, records: Sequence[Record]) -> list[Record]:
        """Return webhook requests in this order."""
        result = [*records]
        for key in reversed(self.keys):
            result.sort(key=sort_value(key), reverse=key.is_down)
        return result

    def then(self, key: "_Fit") -> "_Fit":
        """Return the fit with one more key, which decides ties."""
        pairs = zip(self.verdicts, key.verdicts, strict=True)
        verdicts = [verdict or tie_break for verdict, tie_break in pairs]
        return _Fit((*self.keys, *key.keys), verdicts)


def _ranked_fits(pairs: Sequence[Pair]) -> list[_Fit]:
    """Return the best orders, the best first: key is put behind key, for a few orders at a time."""
    keys = [*_single_keys(pairs)]
    beam = fits = [_Fit((), [0] * len(pairs))]
    for _ in range(MAX_LEARNED_KEYS):
        candidates = (candidate for fit in beam for candidate in _extended(fit, keys))
        beam = sorted(candidates, key=lambda fit: fit.cost)[:BEAM]
        fits = fits + beam
    return sorted(fits, key=lambda fit: fit.cost)


def _extended(fit: _Fit, keys: Sequence[_Fit]) -> list[_Fit]:
    """Return better orders with one more key that contradicts no pair, or else some."""
    candidates = [fit.then(key) for key in keys]
    fits = [candidate for candidate in candidates if candidate.cost < fit.cost]
    misfits = fit.verdicts.count(1)
    return [candidate for candidate in fits if candidate.verdicts.count(1) == misfits] or fits


def _rivals(fits: Sequence[_Fit], pairs: Sequence[Pair]) -> list[_Fit]:
    """Return orders that fit as well as the best one, the first of ``fits``, and sort otherwise.

    Those come first that go by a member that changes set, if the best one does not, or the other
    way round: they differ after each change. Only usual members count. Any other one may fit by
    chance.
    """
    best_fit = fits[0]
    usual_members = {*_USUAL, *(key.member for key in best_fit.keys)}
    records = [*{record["id"]: record for pair in pairs for record in pair[:2]}.values()]
    diverging_fits, other_fits = [], []
    for fit in fits[1:]:
        if fit.cost > best_fit.cost or not {key.member for key in fit.keys} <= usual_members:
            continue
        if fit.goes_by_changes != best_fit.goes_by_changes:
            diverging_fits.append(fit)
        elif fit.sorted(records) != best_fit.sorted(records):
            other_fits.append(fit)
    return diverging_fits + other_fits


def _single_keys(pairs: Sequence[Pair]) -> Iterator[_Fit]:
    """Yield all keys that any record has values for, those of usual members first."""
    records = {id(record): record for pair in pairs for record in pair[:2]}
    members = dict.fromkeys(_USUAL)
    for record in records.values():
        members |= dict.fromkeys(_scalars(record))
    for member in members:
        values = {key: value_of(record, member) for key, record in records.items()}
        if len({*map(str, values.values())}) < 2:
            continue
        for key in _keys(member, [*values.values()]):
            ranks = {at: sort_key(key, value) for at, value in values.items()}
            rank_pairs = ((ranks[id(pair.first)], ranks[id(pair.second)]) for pair in pairs)
            sign = -1 if key.is_down else 1
            yield _Fit((key,), [sign * ((a > b) - (a < b)) for a, b in rank_pairs])


def _keys(member: str, values: Sequence[Any]) -> Iterator[Key]:
    """Yield the keys that a member may be part of an order by."""
    has_numbers = member == "number" or any(isinstance(value, int | float) for value in values)
    for is_text in (False, True) if has_numbers else (False,):
        for is_high in (False, True) if None in values else (False,):
            for is_down in (False, True):
                yield Key(member, is_text, is_high, is_down)


def _scalars(record: Record) -> Iterator[str]:
    """Yield the members with one value, of the record and of what it refers to."""
    for name, value in members_of(record):
        parts = name.split(".")
        is_name = len(parts) < 3 and all(map(str.isidentifier, parts))
        if is_name and not isinstance(value, dict | list) and not name.startswith(_NEVER_KEYS):
            yield name
