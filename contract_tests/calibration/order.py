"""The order of a server's lists: the keys that explain all lists that were seen.

Keys are learned from some of the lists, and the others decide which of several fit. In a list each
pair of neighbors tells: no key that decides it may put the second one first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.calibration.learned import Grade
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.schemas.ordering import Key, sort_key, value_of

MAX_LEARNED_KEYS = 3  # of an order
BEAM = 6  # orders that are extended at a time
HELD_OUT = 4  # one list in this many is kept back while keys are learned
#: If every key contradicts some pairs, one must explain more than this many times as many as it
#: contradicts.
OUTWEIGHS = 4
#: Members by which servers sort most, the first of equally good keys: then all others.
_USUAL = ("created_date", "number", "id", "updated_date", "changed_date", "entity")
#: What no order goes by, and the members that have shorter names.
_NEVER_KEYS = ("request", "response")
_HAVE_SHORT_NAMES = ("log_information.created_date", "log_information.updated_date")


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


def learned_order(exchanges: Sequence[Exchange], unsteady: frozenset[str]) -> Order:
    """Return the order of the lists among some exchanges.

    ``unsteady`` are the ids of webhook requests that others may have changed meanwhile.
    """
    lists = _Lists(exchanges, unsteady)
    if not lists.pairs:
        return Order((), Grade.UNSETTLED, "no list of several was seen")
    keys = _Search(lists).best()
    wrong = [pair for pair in lists.pairs if _verdict_on(pair, keys) > 0]
    ties = sum(_verdict_on(pair, keys) == 0 for pair in lists.pairs)
    texts, pair_count = tuple(map(str, keys)), counted(len(lists.pairs), "pair")
    if wrong or ties == len(lists.pairs):
        if ids := lists.ids_in_order():
            why = "no members explain them: it is that of world.jsonl"
            return Order(("added",), Grade.OBSERVED, f"{pair_count} of neighbors; {why}", ids)
        why = lists.contradiction(wrong or lists.pairs) or "no members explain all lists"
        return Order(texts, Grade.UNSETTLED, f"no order fits: {why}")
    tie = f"; no key explains {ties} of them" if ties else ""
    return Order(texts, Grade.OBSERVED, f"{pair_count} of neighbors{tie}")


class _Lists:
    """The lists that were seen: pairs of neighbors, with all that is known of both."""

    def __init__(self, exchanges: Sequence[Exchange], unsteady: frozenset[str]) -> None:
        """Read them in their order: what a list does not show of a record was shown before."""
        self.pairs: list[Pair] = []
        self._places: list[tuple[int, dict[str, int]]] = []  # by id, of each list
        latest, seen = dict[str, Record](), set[tuple[int, int]]()
        kept: list[Record] = []  # so that no two of them have the same address
        for exchange in exchanges:
            if not exchange.ok:
                continue
            rows: list[Record] = []
            for shown in exchange.records:
                key = shown.get("id")
                if isinstance(key, str):
                    before = latest.get(key, {})
                    is_known = (
                        shown.items() <= before.items() if _is_plain(shown) else shown == before
                    )
                    if is_known:
                        whole = before
                    else:
                        whole = {**before, **shown}
                        kept.append(whole)
                    latest[key] = whole
                    rows.append(whole)
            if exchange.call.method != "list":
                continue
            rows = [row for row in rows if row["id"] not in unsteady]
            self._places.append((exchange.number, {row["id"]: at for at, row in enumerate(rows)}))
            for first, second in pairwise(rows):
                if (id(first), id(second)) not in seen:
                    seen.add((id(first), id(second)))
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

    def contradiction(self, wrong: Sequence[Pair]) -> str | None:
        """Say which two lists have the same two webhook requests in different orders."""
        for pair in wrong:
            first, second = pair.first["id"], pair.second["id"]
            for number, places in self._places:
                if places.keys() >= {first, second} and places[first] > places[second]:
                    one, other = sorted((pair.number, number))
                    return f"requests {one} and {other} have the same two in different orders"
        return None


def _is_plain(record: Record) -> bool:
    return not any(isinstance(value, dict | list) for value in record.values())


def _verdict(first: Any, second: Any, *, is_down: bool) -> int:
    """Return -1 if a key explains the order of two sort values, 1 if not, 0 if they are equal."""
    if first == second:
        return 0
    return 1 if (first > second) != is_down else -1


def _verdict_on(pair: Pair, keys: Sequence[Key]) -> int:
    """Return -1 if keys explain a pair, 1 if they contradict it, 0 if they leave it open."""
    for key in keys:
        first, second = (sort_key(key, value_of(record, key.member)) for record in pair[:2])
        if verdict := _verdict(first, second, is_down=key.is_down):
            return verdict
    return 0


class _Candidate(NamedTuple):
    """A key, and what it says of each pair: -1 explained, 1 contradicted, 0 open."""

    key: Key
    verdicts: list[int]


class _Search:
    """Puts key behind key, and extends the best few orders at a time."""

    def __init__(self, lists: _Lists) -> None:
        """Compare all pairs by all keys that any record has values for."""
        self._pairs = lists.pairs
        numbers = sorted({pair.number for pair in lists.pairs})
        held_out = set(numbers[HELD_OUT - 1 :: HELD_OUT])
        self._learned = [at for at, pair in enumerate(self._pairs) if pair.number not in held_out]
        self._candidates = [*self._all()]

    def best(self) -> tuple[Key, ...]:
        """Return the keys with the best rank."""
        beam: list[tuple[tuple[_Candidate, ...], list[int]]] = [((), self._learned)]
        complete = list(beam)
        for _ in range(MAX_LEARNED_KEYS):
            extended = []
            for chosen, open_ in beam:
                extended += [
                    ((*chosen, candidate), [at for at in open_ if not candidate.verdicts[at]])
                    for candidate in self._next(open_)
                ]
            extended.sort(key=lambda candidate: len(candidate[1]))
            beam = extended[:BEAM]
            complete += beam
        best = min((chosen for chosen, _ in complete), key=self._rank)
        return tuple(candidate.key for candidate in best)

    def _rank(self, chosen: Sequence[_Candidate]) -> tuple[int, int]:
        """Return the weighted number of contradicted and open pairs, and the number of keys.

        Less is better. The lists that were held out count as well.
        """
        wrong = ties = 0
        for at in range(len(self._pairs)):
            verdicts = (candidate.verdicts[at] for candidate in chosen)
            verdict = next(filter(None, verdicts), 0)
            wrong += verdict > 0
            ties += verdict == 0
        return wrong * OUTWEIGHS + ties, len(chosen)

    def _next(self, open_: Sequence[int]) -> list[_Candidate]:
        """Return the best next keys: those that no open pair contradicts, if there are any."""
        clean, others = [], []
        for candidate in self._candidates:
            wrong = sum(candidate.verdicts[at] > 0 for at in open_)
            right = sum(candidate.verdicts[at] < 0 for at in open_)
            if right and not wrong:
                clean.append((right, candidate))
            elif right > OUTWEIGHS * wrong:
                others.append((right - OUTWEIGHS * wrong, candidate))
        best = sorted(clean or others, key=lambda candidate: -candidate[0])
        return [candidate for _, candidate in best[:BEAM]]

    def _all(self) -> Iterator[_Candidate]:
        """Yield the candidates, those of usual members first."""
        records = {id(record): record for pair in self._pairs for record in pair[:2]}
        members = dict.fromkeys(_USUAL)
        for record in records.values():
            members |= dict.fromkeys(_scalars(record))
        for member in members:
            values = {key: value_of(record, member) for key, record in records.items()}
            if len({*map(str, values.values())}) > 1:
                for key in self._keys(member, [*values.values()]):
                    ranks = {at: sort_key(key, value) for at, value in values.items()}
                    yield self._candidate(key, ranks)

    @staticmethod
    def _keys(member: str, values: Sequence[Any]) -> Iterator[Key]:
        """Yield the keys that a member may be part of an order by."""
        has_numbers = member == "number" or any(isinstance(value, int | float) for value in values)
        has_unset = any(value is None for value in values)
        for is_text in (False, True) if has_numbers else (False,):
            for is_high in (False, True) if has_unset else (False,):
                for is_down in (False, True):
                    yield Key(member, is_text, is_high, is_down)

    def _candidate(self, key: Key, ranks: Mapping[int, Any]) -> _Candidate:
        verdicts = [
            _verdict(ranks[id(first)], ranks[id(second)], is_down=key.is_down)
            for first, second, _ in self._pairs
        ]
        return _Candidate(key, verdicts)


def _scalars(record: Record, before: str = "") -> Iterator[str]:
    """Yield the members with one value, of the record and of what it refers to."""
    for name, value in record.items():
        if not name.isidentifier():
            continue
        if isinstance(value, dict) and before.count(".") < 1 and name not in _NEVER_KEYS:
            yield from _scalars(value, f"{before}{name}.")
        elif not isinstance(value, dict | list) and f"{before}{name}" not in _HAVE_SHORT_NAMES:
            yield f"{before}{name}"
