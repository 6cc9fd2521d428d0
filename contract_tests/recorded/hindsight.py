"""Settle suspicions of recorded traffic: later exchanges play the confirmations.

One rule carries most: nobody but the server turns a webhook request back into what it was. If all
that a suspicion rests on is seen later as it was known, it was so all the time, and the response in
between was wrong. What nothing settles is no violation.
"""

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import Record, TrackedRecord
from crmcom_kit.contract_tests.belief.knowledge import differing, lasting, lost_members
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Call, Exchange
from crmcom_kit.contract_tests.oracle.logins import claimed_unit
from crmcom_kit.contract_tests.oracle.sense import IDENTIFIER, Sense, identifying_values, is_whole
from crmcom_kit.contract_tests.oracle.sights import OF_DELIVERY, READS
from crmcom_kit.contract_tests.oracle.suspicions import (
    Again,
    Confirmation,
    Contradicted,
    Disagree,
    Effect,
    Evident,
    Hypothesis,
    PagesContradict,
    Refused,
    RefusedCall,
    Suspicion,
    TooFew,
)

#: So many later exchanges that show a webhook request, or list the same, are looked at.
MAX_LOOKED_AT = 100
_TWICE = 2


class Later:
    """What a recording shows of one content of a server, in the order of time."""

    def __init__(self) -> None:
        """Have seen nothing yet."""
        self._sights: dict[str, list[Exchange]] = defaultdict(list)  # that show one whole, by id
        self._changes: dict[str, list[int]] = defaultdict(list)  # by id or number
        #: How reads were refused that were served later: by a limit, or for their token.
        self.passing: set[tuple[int, Any]] = set()
        self.served = 0  # number of the last exchange that a server has served
        self._served: dict[str, int] = {}  # request -> number of the last exchange that served it
        self._refused: dict[str, Exchange] = {}  # request -> the last exchange that refused it
        self._accepted: set[tuple[str, str]] = set()  # methods, and parameters with their values
        self._valid: dict[str, int] = {}  # token -> number of the last exchange it was valid in
        self._lists: dict[str, list[Exchange]] = defaultdict(list)  # by request
        self._logins: dict[str, list[Exchange]] = defaultdict(list)  # by request, for a unit
        self._written_at: list[int] = []  # numbers of the exchanges before each change

    def add(self, exchange: Exchange, sense: Sense, *, sure_token: bool) -> None:
        """Add an exchange. With ``sure_token`` its token stands for no other one."""
        method, given = exchange.call.method, _given(exchange)
        if not exchange.ok:
            self._refused[_written(method, given)] = exchange
            return
        if sense.name in READS and (refused := self._refused.get(_written(method, given))):
            self.passing.add(refused.wording)
        self.served = exchange.number
        self._served[_written(method, given)] = exchange.number
        self._accepted |= {(method, repr(pair)) for pair in given.items()}
        if sure_token and isinstance(sense.token, str):
            self._valid[sense.token] = exchange.number
        if sense.name == "list":
            self._lists[_written(method, given)].append(exchange)
        elif method in LOGINS and "unit" in given:
            self._logins[_written(method, given)].append(exchange)
        if sense.name in READS and is_whole(sense):
            for key in exchange.by_id:
                self._sights[key].append(exchange)

    def add_change(self, sense: Sense, number: int) -> None:
        """Add that webhook requests may have changed before exchange ``number`` + 1."""
        self._written_at.append(number)
        for name in identifying_values(
            [sense.parameters.get(IDENTIFIER), sense.parameters.get("")]
        ):
            self._changes[name].append(number)

    def sights(self, known: TrackedRecord, after: int) -> Iterator[Exchange]:
        """Yield what shows a webhook request after an exchange, until a request changes it."""
        ends: list[int] = []
        for name in (known.id, str(known.record.get("number"))):
            changes = self._changes.get(name, [])
            ends += changes[bisect_left(changes, after) :][:1]
        found = self._sights.get(known.id, [])
        start = bisect_right(found, after, key=attrgetter("number"))
        for each in found[start : start + MAX_LOOKED_AT]:
            if ends and each.number > min(ends):
                return
            yield each

    def lists(self, method: str, given: Mapping[str, Any], after: int) -> list[Exchange]:
        """Return lists with the same parameters after an exchange, until anything is changed."""
        at = bisect_left(self._written_at, after)
        end = next(iter(self._written_at[at:]), math.inf)
        found = self._lists.get(_written(method, given), [])
        return [each for each in found if after < each.number <= end][:MAX_LOOKED_AT]

    def logs_in_so_again(self, login: Exchange) -> Exchange | None:
        """Return a later login for the same unit whose token has the same claims of it, or None."""
        for other in self._logins.get(_written(login.call.method, _given(login)), ()):
            if other.number > login.number and claimed_unit(other) == claimed_unit(login):
                return other
        return None

    def is_for_good(self, exchange: Exchange) -> bool:
        """Whether what was refused stays so, whatever its token, and not for the token's sake.

        A status of 500 to 599 may be over the next moment; ``Service`` tells of one that is not.
        """
        asked = _written(exchange.call.method, _given(exchange))
        is_served_after = self._served.get(asked, 0) > exchange.number
        is_valid = self.has_valid_token_after(exchange)
        is_passing = exchange.wording in self.passing
        return exchange.status < 500 and is_valid and not (is_served_after or is_passing)

    def refuses(self, method: str, given: Mapping[str, Any]) -> bool:
        """Whether a request with these parameters is refused for good."""
        exchange = self._refused.get(_written(method, given))
        return exchange is not None and self.is_for_good(exchange)

    def accepts(self, method: str, given: Mapping[str, Any]) -> bool:
        """Whether each of some parameters was in a request that was served."""
        return all((method, repr(pair)) in self._accepted for pair in given.items())

    def serves(self, method: str) -> bool:
        """Whether any request of a method was served."""
        return any(accepted == method for accepted, _ in self._accepted)

    def has_valid_token_after(self, exchange: Exchange) -> bool:
        """Whether the token of a request was valid later."""
        return self._valid.get(str(exchange.call.parameters.get("token")), 0) > exchange.number


def _given(exchange: Exchange) -> dict[str, Any]:
    """Return the parameters of a request without its token."""
    return {name: each for name, each in exchange.call.parameters.items() if name != "token"}


def _written(method: str, given: Mapping[str, Any]) -> str:
    return f"{method} {sorted(given.items(), key=itemgetter(0))!r}"


class Case(NamedTuple):
    """A suspicion, and what was known before it came up."""

    suspicion: Suspicion
    was: Mapping[str, TrackedRecord]
    later: Later

    @property
    def exchange(self) -> Exchange:
        """The exchange that is suspect."""
        return self.suspicion.exchange

    def confirmed(self) -> tuple[Hypothesis, Exchange] | None:
        """Return the first hypothesis that is confirmed, and the exchange that does it, or None."""
        for each in self._possible():
            found = self._confirming(each.confirmation)
            if found is not None:
                return each, found
        return None

    def _confirming(self, confirmation: Confirmation) -> Exchange | None:
        if isinstance(confirmation, Evident):
            return self.exchange
        if not (self.exchange.ok or self.later.is_for_good(self.exchange)):
            return None
        match confirmation:
            case Again(rests_on=keys) if not self._may_recur():
                return self._again(keys)
            case Contradicted(rests_on=keys):
                return self._again(keys)
            case Disagree(known=known) if self._disagrees(known.id) and not self._may_recur():
                return self._again((known.id,))
            case Refused(method="show", rests_on=keys) if keys:
                is_served = self.later.serves(confirmation.method)
                return self._again(keys) if is_served and not self._may_recur() else None
            case Refused():
                record = self.suspicion.record
                is_there = record is None or self._as_known(record) is not None
                return self.exchange if is_there and self._is_to_blame(confirmation) else None
            case Effect(change=login) if login.call.method in LOGINS:
                return self.later.logs_in_so_again(login)
            case Effect(by_anybody=by_anybody):
                return self.exchange if not by_anybody and self._is_the_servers() else None
            case _:
                return self._confirming_else(confirmation)
        return None

    def _confirming_else(self, confirmation: Confirmation) -> Exchange | None:
        """Return what confirms a hypothesis on pages of a list, or on logins."""
        match confirmation:
            case PagesContradict(pages=pages):
                return self._come_again(pages)
            case TooFew(whole=whole, ids=ids):
                return self._is_short_again(whole, ids)
            case RefusedCall(refused=Call(method="token_release")):
                return self.exchange  # which the token was valid after
        return None

    @property
    def is_of_ended_token(self) -> bool:
        """Whether the token explains a refusal: another one was valid later, and this one not."""
        later, exchange = self.later, self.exchange
        goes_on = not exchange.ok and later.served > exchange.number
        return goes_on and not later.has_valid_token_after(exchange)

    def _known(self, key: str | None) -> TrackedRecord | None:
        """Return a webhook request as it was known before the exchange."""
        known = self.was.get(str(key))
        return None if known is None or known.last_seen is self.exchange else known

    def _shown(self, key: str | None) -> Record | None:
        """Return a webhook request as the exchange shows it."""
        return next((each for each in self.exchange.records if each.get("id") == key), None)

    def _may_recur(self) -> bool:
        """Whether others may have made the webhook request what it was seen as before."""
        known, seen = self._known(self.suspicion.record), self._shown(self.suspicion.record)
        if known is None or seen is None:
            return False
        paths = differing(known.certain, seen)
        return bool(paths) and all(path.startswith(OF_DELIVERY) for path in paths)

    # For which of its parameters was a request refused?

    def _possible(self) -> Sequence[Hypothesis]:
        """Return the hypotheses without those that blame parameters which are accepted elsewhere.

        If all of these are accepted, only several of them together are refused: so the last says.
        """
        every = self.suspicion.hypotheses
        cleared = {
            each.statement
            for each in every
            if isinstance(each.confirmation, Refused) and self._accepts(_blamed(each.confirmation))
        }
        return [each for each in every if each.statement not in cleared] or every[-1:]

    def _is_to_blame(self, one: Refused) -> bool:
        """Whether parameters are refused without the others, or these are accepted elsewhere."""
        if not self._accepts(one.served):
            return False
        given = _given(self.exchange)
        others = {name: value for name, value in given.items() if name not in one.refused}
        is_refused_alone = bool(others) and self.later.refuses(one.method, one.refused)
        return is_refused_alone or not others or self._accepts(others)

    def _accepts(self, given: Mapping[str, Any]) -> bool:
        """Whether the method takes some parameters, if there are any."""
        return bool(given) and self.later.accepts(self.exchange.call.method, given)

    def _again(self, keys: Sequence[str]) -> Exchange | None:
        """Return an exchange if each of some webhook requests is seen again as it was known."""
        found = [self._as_known(key) for key in keys]
        return None if None in found else [self.exchange, *found][-1]

    def _as_known(self, key: str) -> Exchange | None:
        """Return a later exchange that shows a webhook request as it was known, or None."""
        known, seen = self._known(key), self._shown(key)
        if known is None:
            return None
        lost = set() if seen is None else {*lost_members(known.record, seen)}
        for exchange in self.later.sights(known, self.exchange.number):
            record = exchange.by_id[key]
            is_as_known = not differing(known.certain, record)
            if is_as_known and lost.isdisjoint(lost_members(known.record, record)):
                return exchange
        return None

    def _come_again(self, pages: Sequence[Exchange]) -> Exchange | None:
        """Return the last one of two pages that come again each time, and nothing is changed.

        Two servers in turn, each with an order of its own, are no cause: one would respond to each
        second request.
        """
        found = [
            [page, *self.later.lists("list", _given(page), self.exchange.number)] for page in pages
        ]
        is_same = all([*again.by_id] == [*each[0].by_id] for each in found for again in each)
        times = min(map(len, found))
        turns = [{again.number % 2 for again in each} for each in found]
        is_in_turn = times == _TWICE and turns in ([{0}, {1}], [{1}, {0}])
        if not is_same or times < _TWICE or is_in_turn:
            return None
        return max((each[times - 1] for each in found), key=lambda again: again.number)

    def _is_short_again(self, whole: Mapping[str, Any], ids: Set[str]) -> Exchange | None:
        """Return a list that is too short again, once all that it selects was listed."""
        count, given = len(self.exchange.records), _given(self.exchange)
        for every in self.later.lists("list", whole, self.exchange.number):
            after = self.later.lists("list", given, every.number)
            if ids <= every.by_id.keys() and after:
                return after[0] if len(after[0].records) == count else None
        return None

    def _disagrees(self, key: str) -> bool:
        """Whether show and list return a webhook request, each another one."""
        known, seen = self._known(key), self._shown(key)
        if known is None or seen is None:
            return False
        return {known.last_seen.call.method, self.exchange.call.method} == {*READS}

    def _is_the_servers(self) -> bool:
        """Whether nobody else can have changed what is seen changed.

        Others can neither send a SUCCESSFUL one again, nor change what a resend keeps.
        """
        known, seen = self._known(self.suspicion.record), self._shown(self.suspicion.record)
        if known is None or seen is None:
            return False
        # A delivery may turn out to have failed after the response to its resend.
        is_open = known.resent and known.is_proven
        is_done = known.state == "SUCCESSFUL" and not is_open
        return is_done or bool(differing(lasting(known.record), lasting(seen)))


def _blamed(one: Refused) -> dict[str, Any]:
    """Return the parameters without which a request would be served."""
    return {name: value for name, value in one.refused.items() if one.served.get(name) != value}
