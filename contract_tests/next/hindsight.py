"""Settle suspicions of a recording: nothing can be sent, so later exchanges play the confirmations.

All of a recording is known from the start. So a suspicion is settled when it comes up, by what is
still to come; what nothing settles is no violation. One rule carries most: nobody but the server
turns a webhook request back into what it was. If it is seen later as it was known, it was so all
the time, and the response in between was wrong.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.checks.history import differing, is_whole
from crmcom_kit.contract_tests.checks.knowledge import lost_members
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER, Sense, identifying_values
from crmcom_kit.contract_tests.checks.world import lasting
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.next.belief import Known, Record
from crmcom_kit.contract_tests.next.lists import Hides
from crmcom_kit.contract_tests.next.suspicions import (
    Again,
    Closely,
    Confirmation,
    Contradicted,
    Effect,
    Now,
    Ordered,
    Refused,
    StillListed,
    Suspicion,
)

READS = ("show", "list")
#: So many later exchanges are looked at that may settle a suspicion.
MAX_LOOKED_AT = 200
#: So many times two pages have to come again.
MIN_PAIRS = 3
#: Within so many seconds and exchanges nobody else is thought to have changed what changes twice.
MAX_SECONDS, MAX_EXCHANGES = 10.0, 4
#: Members that may come back to an earlier value: each delivery that others try writes them.
RECURRING = ("error_code", "error_description", "authentication_code", "log_information.updated_")


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
    """What a recording shows of the same content of a server, by request and webhook request."""

    def __init__(self) -> None:
        """Have seen nothing yet."""
        self._sights: dict[str, list[Sight]] = defaultdict(list)  # by id
        self._changes: dict[str, list[int]] = defaultdict(list)  # by id or number
        self._alike: dict[str, Alike] = defaultdict(Alike)
        self._served: dict[str, int] = {}  # token -> number of the last exchange it was valid in
        self._starts: dict[int, float] = {}

    def add(self, exchange: Exchange, sense: Sense, start: float, *, sure_token: bool) -> None:
        """Add an exchange. With ``sure_token`` its token stands for no other one."""
        self._starts[exchange.number] = start
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
        seconds = self._starts.get(last, 0.0) - self._starts.get(first, 0.0)
        return last - first <= MAX_EXCHANGES and seconds <= MAX_SECONDS


def _asked(verb: str, method: str, given: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in given.items() if name != "token"}
    return f"{verb} {method} {sorted(rest.items(), key=lambda pair: pair[0])!r}"


class Case(NamedTuple):
    """A suspicion, and what was known before it came up."""

    suspicion: Suspicion
    was: Mapping[str, Known]
    later: Later

    @property
    def exchange(self) -> Exchange:
        """The exchange that is suspect."""
        return self.suspicion.exchange

    @property
    def known(self) -> Known | None:
        """The webhook request that the suspicion is about, as it was known before."""
        return self.before(self.suspicion.record)

    @property
    def seen(self) -> Record | None:
        """The webhook request that the suspicion is about, as the exchange shows it."""
        key = self.suspicion.record
        return next((each for each in self.exchange.records if each.get("id") == key), None)

    # Refusals.

    @property
    def stands(self) -> bool:
        """Whether what was refused is refused for good, and not for the token's sake."""
        if self.exchange.ok:
            return True
        number, alike = self.exchange.number, self.later.alike(self.exchange)
        if alike.served is not None and alike.served.number > number:
            return False
        if self.exchange.status >= 500 and not alike.after(number):
            return False  # it may be over the next moment
        return self.later.is_valid(self.exchange.call.parameters.get("token"), number)

    # Webhook requests.

    def before(self, key: str | None) -> Known | None:
        """Return a webhook request as it was known before the exchange."""
        known = self.was.get(str(key))
        return None if known is None or known.seen is self.exchange else known

    def as_known(self, key: str | None) -> Exchange | None:
        """Return a later exchange that shows a webhook request as it was known, or None."""
        known = self.before(key)
        if known is None:
            return None
        seen = next((each for each in self.exchange.records if each.get("id") == key), None)
        lost = set() if seen is None else {*lost_members(known.record, seen)}
        for each in self.later.sights(known, self.exchange.number):
            if differing(known.certain, each.record):
                continue
            if lost.isdisjoint(lost_members(known.record, each.record)):
                return each.exchange
        return None

    @property
    def is_the_servers(self) -> bool:
        """Whether nobody else can have changed what is seen changed."""
        known, seen = self.known, self.seen
        if known is None or seen is None:
            return False
        return known.state == "SUCCESSFUL" or bool(
            differing(lasting(known.record), lasting(seen))
        )  # others can neither send it again, nor change what a resend keeps

    # Confirmations.

    def confirming(self, confirmation: Confirmation) -> Exchange | None:
        """Return the exchange that confirms what is suspected, or None."""
        if isinstance(confirmation, Now):
            return self.exchange
        if not self.stands:
            return None
        match confirmation:
            case Again(rests_on=keys):
                return self._again([(key,) for key in keys])
            case Contradicted(needs=groups):
                return self._again(groups)
            case Closely(what=what):
                return self._closely(what)
            case Effect():
                return self.exchange if self.is_the_servers else None
            case Ordered(pages=pages):
                return self._ordered(pages)
        return self._by_another_request(confirmation)

    def _again(self, groups: Sequence[Sequence[str]]) -> Exchange | None:
        """Return an exchange if of each group one is seen again as it was known."""
        found = [next(filter(None, map(self.as_known, group)), None) for group in groups]
        return None if None in found else [self.exchange, *found][-1]

    def _by_another_request(self, confirmation: Confirmation) -> Exchange | None:
        """Return an exchange that shows that another request was served, or another refused."""
        match confirmation:
            case StillListed(known=known):
                sights = self.later.sights(known, self.exchange.number)
                return next((each.exchange for each in sights if each.method == "list"), None)
            case Hides(contradicted=contradicted, rest=rest, record=key):
                lists = self.later.reads("list", rest).after(self.exchange.number)
                is_shown = any(key in _ids(each) for each in lists)
                return self._again(contradicted.needs) if is_shown else None
            case Refused():
                return self._refused(confirmation)
        return None

    def _closely(self, what: str) -> Exchange | None:
        """Return a later exchange that shows the webhook request as it was known.

        Which methods show what tells whether reading changes it, or show and list disagree.
        """
        known, seen = self.known, self.seen
        if known is None or seen is None:
            return None
        first, now = known.seen.call.method, self.exchange.call.method
        for each in self.later.sights(known, self.exchange.number):
            is_as_seen = not differing(seen, each.record)
            if not differing(known.certain, each.record) and not is_as_seen:
                found = f"{now}_changes" if now in (first, each.method) else "disagree"
                return each.exchange if found == what and self._is_odd(each) else None
            if not is_as_seen or each.method == (first if first in READS else "show"):
                return None  # it has changed for good
        return None

    def _is_odd(self, later: Sight) -> bool:
        """Whether a webhook request can't have changed twice meanwhile, by the work of others."""
        known, seen = self.known, self.seen
        if known is None or seen is None:
            return False
        paths = differing(known.certain, seen)
        recurs = all(path.startswith(RECURRING) for path in paths)
        return not recurs or self.later.is_close(known.seen, later.exchange)

    def _refused(self, confirmation: Refused) -> Exchange | None:
        """Return an exchange if of both requests one was refused, and the other one served."""
        method, refused, served = confirmation.method, confirmation.refused, confirmation.served
        record = self.suspicion.record
        shown = self.exchange if record is None else self.as_known(record)
        if shown is None or self.later.reads(method, refused).refused is None:
            return None
        return shown if served is None else self.later.reads(method, served).served

    def _ordered(self, pages: tuple[Exchange, Exchange]) -> Exchange | None:
        """Return the last of both pages if they come as before each time, and often enough."""
        last = None
        for page in pages:
            again = self.later.alike(page).after(self.exchange.number)[:MIN_PAIRS]
            if len(again) < MIN_PAIRS or any(_ids(each) != _ids(page) for each in again):
                return None
            last = again[-1]
        return last


def _ids(exchange: Exchange) -> list[Any]:
    return [each.get("id") for each in exchange.records]
