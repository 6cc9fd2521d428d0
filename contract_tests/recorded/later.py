"""What a recording shows of one content of a server, by request and by webhook request."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import Known, Record
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.oracle.sense import IDENTIFIER, Sense, identifying_values, is_whole

READS = ("show", "list")
#: So many later exchanges are looked at that may settle a suspicion.
MAX_LOOKED_AT = 200
#: Within so many seconds and exchanges nobody else is thought to have changed what changes twice.
MAX_SECONDS, MAX_EXCHANGES = 10.0, 4


class Sight(NamedTuple):
    """One webhook request as a response shows it whole."""

    method: str
    record: Record
    exchange: Exchange


@dataclass(slots=True)
class Alike:
    """The exchanges with one request."""

    all: list[Exchange] = field(default_factory=list)
    served: Exchange | None = None  # the last that was
    refused: Exchange | None = None  # the last that was

    def add(self, exchange: Exchange) -> None:
        """Add one that comes after all others."""
        self.all.append(exchange)
        if exchange.ok:
            self.served = exchange
        else:
            self.refused = exchange

    def after(self, number: int) -> list[Exchange]:
        """Return the first few that come after an exchange."""
        start = bisect_right(self.all, number, key=attrgetter("number"))
        return self.all[start : start + MAX_LOOKED_AT]


class Later:
    """What comes later than an exchange of a recording."""

    def __init__(self, starts: Mapping[int, float]) -> None:
        """Have seen nothing yet; ``starts`` says when each exchange began, by its number."""
        self._starts = starts
        self._sights: dict[str, list[Sight]] = defaultdict(list)  # by id
        self._changes: dict[str, list[int]] = defaultdict(list)  # by id or number
        self._alike: dict[str, Alike] = defaultdict(Alike)
        self._served: dict[str, int] = {}  # token -> number of the last exchange it was valid in

    def add(self, exchange: Exchange, sense: Sense, *, sure_token: bool) -> None:
        """Add an exchange. With ``sure_token`` its token stands for no other one."""
        call = exchange.call
        self._alike[_asked(call.verb, call.method, call.parameters)].add(exchange)
        if exchange.ok and sure_token and isinstance(sense.token, str):
            self._served[sense.token] = exchange.number
        if sense.name in READS and is_whole(sense):
            for record in exchange.records:
                if isinstance(record.get("id"), str):
                    self._sights[record["id"]].append(Sight(sense.name, record, exchange))

    def add_change(self, sense: Sense, number: int) -> None:
        """Add that webhook requests have changed, or may have, before exchange ``number`` + 1."""
        for name in identifying_values([sense.given.get(IDENTIFIER), sense.given.get("")]):
            self._changes[name].append(number)

    def sights(self, known: Known, after: int) -> Iterator[Sight]:
        """Yield how a webhook request is seen after an exchange, until a request changes it."""
        ends = []
        for name in (known.id, str(known.record.get("number"))):
            changes = self._changes.get(name, [])
            ends += changes[bisect_left(changes, after) :][:1]
        found = self._sights.get(known.id, [])
        start = bisect_right(found, after, key=attrgetter("exchange.number"))
        for each in found[start : start + MAX_LOOKED_AT]:
            if ends and each.exchange.number > min(ends):
                return
            yield each

    def reads(self, method: str, given: Mapping[str, Any]) -> "Alike":
        """Return the exchanges of show or list with these parameters, whatever their token."""
        return self._alike.get(_asked("GET", method, given), Alike())

    def alike(self, exchange: Exchange) -> "Alike":
        """Return the exchanges with the same request, whatever their token."""
        call = exchange.call
        return self._alike.get(_asked(call.verb, call.method, call.parameters), Alike())

    def is_valid(self, token: Any, after: int) -> bool:
        """Whether a token was valid at some time after an exchange."""
        return self._served.get(token, 0) > after

    def is_close(self, *exchanges: Exchange) -> bool:
        """Whether exchanges were made one soon after the other."""
        numbers = [each.number for each in exchanges]
        first, last = min(numbers), max(numbers)
        seconds = self._starts[last] - self._starts[first]
        return last - first <= MAX_EXCHANGES and seconds <= MAX_SECONDS


def _asked(verb: str, method: str, given: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in given.items() if name != "token"}
    return f"{verb} {method} {sorted(rest.items(), key=lambda pair: pair[0])!r}"
