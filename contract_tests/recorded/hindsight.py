"""Settle suspicions of recorded traffic: later exchanges play the confirmations.

Most cases rest on one rule: only the server can turn a webhook request back into what it was. If a
later exchange shows it as it was known before, it has not changed, and the response in between was
wrong. What no exchange settles is no violation.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import chain, islice
from operator import itemgetter
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.knowledge import differing, lasting, lost_members
from crmcom_kit.contract_tests.belief.records import Record, TrackedRecord
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Call, Exchange
from crmcom_kit.contract_tests.oracle.confirmations import (
    Again,
    Contradicted,
    Disagree,
    Effect,
    PagesContradict,
    Refused,
    RefusedCall,
    TooFew,
)
from crmcom_kit.contract_tests.oracle.logins import claimed_unit
from crmcom_kit.contract_tests.oracle.parsing import (
    READ_METHODS,
    Request,
    is_whole,
    names_of,
    without,
)
from crmcom_kit.contract_tests.oracle.sights import OF_DELIVERY
from crmcom_kit.contract_tests.oracle.suspicions import Evident, Hypothesis, Suspicion

#: How many later exchanges are looked at that show a webhook request, or list the same.
MAX_LOOKED_AT = 100
#: How often each page of a series must have come, the first time included.
_MIN_TIMES = 2


class Later:
    """What a recording shows of one content of a server, in the order of time."""

    def __init__(self) -> None:
        """Begin without exchanges."""
        self._sights: dict[str, list[Exchange]] = defaultdict(list)  # that show one whole, by id
        self._changes: dict[str, list[int]] = defaultdict(list)  # by id or number
        #: How reads were refused that were served later: by a limit, or for their token.
        self.temporary_refusals: set[tuple[int, Any]] = set()
        self.last_served_number = 0  # of the last exchange that a server has served
        self._served_numbers: dict[str, int] = {}  # request -> the last exchange that served it
        self._refusals: dict[str, Exchange] = {}  # request -> the last exchange that refused it
        self._accepted_pairs: set[tuple[str, str]] = set()  # of a method and a parameter
        self._last_valid_numbers: dict[str, int] = {}  # token -> the last exchange it was valid in
        #: Lists, and logins for a unit, that were served, by request.
        self._series: dict[str, list[Exchange]] = defaultdict(list)
        self._changed_at: list[int] = []  # numbers of the exchanges before each change

    def add(self, exchange: Exchange, request: Request, *, is_token_sure: bool) -> None:
        """Add an exchange. With ``is_token_sure`` its token stands for no other one."""
        method, parameters = request.name, without("token", request.parameters)
        key = _key(exchange)
        if not exchange.ok:
            self._refusals[key] = exchange
            return
        if method in READ_METHODS and key in self._refusals:
            self.temporary_refusals.add(self._refusals[key].wording)
        self.last_served_number = self._served_numbers[key] = exchange.number
        self._accepted_pairs |= {(method, repr(pair)) for pair in parameters.items()}
        if is_token_sure and isinstance(request.token, str):
            self._last_valid_numbers[request.token] = exchange.number
        if method == "list" or (method in LOGINS and "unit" in parameters):
            self._series[key].append(exchange)
        if method in READ_METHODS and is_whole(request):
            for record_id in exchange.by_id:
                self._sights[record_id].append(exchange)

    def add_change(self, request: Request, number: int) -> None:
        """Add that webhook requests may have changed before exchange ``number`` + 1."""
        self._changed_at.append(number)
        for name in names_of(request):
            self._changes[name].append(number)

    def sights(self, record: TrackedRecord, after: int) -> list[Exchange]:
        """Return what shows a webhook request after an exchange, until a request changes it."""
        names = (record.id, str(record.condensed.get("number")))
        changes = chain.from_iterable(self._changes.get(name, ()) for name in names)
        return _between(self._sights.get(record.id, ()), after, changes)

    def lists(self, parameters: Mapping[str, Any], after: int) -> list[Exchange]:
        """Return lists with the same parameters after an exchange, until anything is changed."""
        return _between(self._series.get(_written("list", parameters), ()), after, self._changed_at)

    def same_login(self, login: Exchange) -> Exchange | None:
        """Return a later login for the same unit whose token has the same claims of it, or None."""
        for candidate in self._series.get(_key(login), ()):
            if candidate.number > login.number and claimed_unit(candidate) == claimed_unit(login):
                return candidate
        return None

    def is_for_good(self, exchange: Exchange) -> bool:
        """Return whether what was refused stays so, and not because of its token.

        A status of 500 to 599 may pass; ``Service`` finds one that stays.
        """
        is_served_after = self._served_numbers.get(_key(exchange), 0) > exchange.number
        is_valid = self.has_valid_token_after(exchange)
        is_temporary = exchange.wording in self.temporary_refusals
        return exchange.status < 500 and is_valid and not (is_served_after or is_temporary)

    def refuses(self, method: str, parameters: Mapping[str, Any]) -> bool:
        """Return whether a request with these parameters is refused for good."""
        exchange = self._refusals.get(_written(method, parameters))
        return exchange is not None and self.is_for_good(exchange)

    def accepts(self, method: str, parameters: Mapping[str, Any]) -> bool:
        """Return whether each of some parameters was in a request that was served."""
        return all((method, repr(pair)) in self._accepted_pairs for pair in parameters.items())

    def serves(self, method: str) -> bool:
        """Return whether any request of a method was served."""
        return any(name == method for name, _ in self._accepted_pairs)

    def has_valid_token_after(self, exchange: Exchange) -> bool:
        """Return whether the token of a request was valid later."""
        token = str(exchange.call.parameters.get("token"))
        return self._last_valid_numbers.get(token, 0) > exchange.number


def _between(exchanges: Iterable[Exchange], after: int, changes: Iterable[int]) -> list[Exchange]:
    """Return the exchanges after one, until the first change, by their numbers."""
    end = min((change for change in changes if change >= after), default=math.inf)
    between = (exchange for exchange in exchanges if after < exchange.number <= end)
    return [*islice(between, MAX_LOOKED_AT)]


def _key(exchange: Exchange) -> str:
    """Return the request of an exchange as a text, without its token."""
    return _written(exchange.call.method, without("token", exchange.call.parameters))


def _written(method: str, parameters: Mapping[str, Any]) -> str:
    return f"{method} {sorted(parameters.items(), key=itemgetter(0))!r}"


class Case(NamedTuple):
    """A suspicion, and what was known before it came up."""

    suspicion: Suspicion
    old_records: Mapping[str, TrackedRecord]
    later: Later

    @property
    def exchange(self) -> Exchange:
        """The exchange that is suspect."""
        return self.suspicion.exchange

    def confirmed(self) -> tuple[Hypothesis, Exchange] | None:
        """Return the first hypothesis that is confirmed, and the exchange that does it, or None."""
        for hypothesis in self._possible():
            exchange = self._confirming(hypothesis)
            if exchange is not None:
                return hypothesis, exchange
        return None

    def _confirming(self, hypothesis: Hypothesis) -> Exchange | None:
        if isinstance(hypothesis, Evident):
            return self.exchange
        if not (self.exchange.ok or self.later.is_for_good(self.exchange)):
            return None
        match hypothesis:
            case Again(rests_on=keys) if not self._may_recur():
                return self._again(keys)
            case Contradicted(rests_on=keys):
                return self._again(keys)
            case Disagree(record=disputed) if (
                self._disagrees(disputed.id) and not self._may_recur()
            ):
                return self._again((disputed.id,))
            case Refused(method="show", rests_on=keys) if keys:
                is_served = self.later.serves(hypothesis.method)
                return self._again(keys) if is_served and not self._may_recur() else None
            case Refused():
                key = self.suspicion.record_id
                is_there = key is None or self._as_known(key) is not None
                return self.exchange if is_there and self._is_to_blame(hypothesis) else None
            case Effect(change=login) if login.call.method in LOGINS:
                return self.later.same_login(login)
            case Effect(by_anybody=by_anybody):
                is_the_servers = not by_anybody and self._only_server_can_have_changed_it()
                return self.exchange if is_the_servers else None
            case _:
                return self._confirming_pages_or_logins(hypothesis)
        return None

    def _confirming_pages_or_logins(self, hypothesis: Hypothesis) -> Exchange | None:
        """Return what confirms a hypothesis on pages of a list, or on logins."""
        match hypothesis:
            case PagesContradict(pages=pages):
                return self._come_again(pages)
            case TooFew(filters=filters, ids=ids):
                return self._is_short_again(filters, ids)
            case RefusedCall(refused=Call(method="token_release")):
                return self.exchange  # after which the token was valid
        return None

    @property
    def is_of_ended_token(self) -> bool:
        """Whether the token explains a refusal: another one was valid later, and this one not."""
        later, exchange = self.later, self.exchange
        goes_on = not exchange.ok and later.last_served_number > exchange.number
        return goes_on and not later.has_valid_token_after(exchange)

    def _known(self, key: str | None) -> TrackedRecord | None:
        """Return a webhook request as it was known before the exchange."""
        record = self.old_records.get(str(key))
        return None if record is None or record.last_seen is self.exchange else record

    def _shown(self, key: str | None) -> Record | None:
        """Return a webhook request as the exchange shows it."""
        return next((record for record in self.exchange.records if record.get("id") == key), None)

    def _before_and_after(self, key: str | None) -> tuple[TrackedRecord, Record] | None:
        """Return a webhook request as it was known and as the exchange shows it.

        None if either is missing.
        """
        before, after = self._known(key), self._shown(key)
        return None if before is None or after is None else (before, after)

    def _may_recur(self) -> bool:
        """Return whether others may have changed the webhook request back to what it was."""
        pair = self._before_and_after(self.suspicion.record_id)
        if pair is None:
            return False
        before, after = pair
        paths = differing(before.certain, after)
        return bool(paths) and all(path.startswith(OF_DELIVERY) for path in paths)

    # For which of its parameters was a request refused?

    def _possible(self) -> Sequence[Hypothesis]:
        """Return the hypotheses except those that blame parameters which are accepted elsewhere.

        If all are accepted elsewhere, the last one is left: several are refused together.
        """
        hypotheses = self.suspicion.hypotheses
        refusals = (hypothesis for hypothesis in hypotheses if isinstance(hypothesis, Refused))
        cleared_statements = {
            refusal.statement for refusal in refusals if self._accepts(_blamed(refusal))
        }
        possible = [
            hypothesis
            for hypothesis in hypotheses
            if hypothesis.statement not in cleared_statements
        ]
        return possible or hypotheses[-1:]

    def _is_to_blame(self, hypothesis: Refused) -> bool:
        """Return whether parameters are refused alone, or the rest is accepted elsewhere."""
        if not self._accepts(hypothesis.served):
            return False
        parameters = without("token", self.exchange.call.parameters)
        rest = {name: value for name, value in parameters.items() if name not in hypothesis.refused}
        is_refused_alone = bool(rest) and self.later.refuses(hypothesis.method, hypothesis.refused)
        return is_refused_alone or not rest or self._accepts(rest)

    def _accepts(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether the method takes some parameters, if there are any."""
        return bool(parameters) and self.later.accepts(self.exchange.call.method, parameters)

    def _again(self, keys: Sequence[str]) -> Exchange | None:
        """Return the last sight of some webhook requests if each is seen again unchanged."""
        sights = [self._as_known(key) for key in keys]
        return None if None in sights else [self.exchange, *sights][-1]

    def _as_known(self, key: str) -> Exchange | None:
        """Return a later exchange that shows a webhook request unchanged, or None."""
        before, after = self._known(key), self._shown(key)
        if before is None:
            return None
        lost_names = set() if after is None else {*lost_members(before.condensed, after)}
        for exchange in self.later.sights(before, self.exchange.number):
            record = exchange.by_id[key]
            is_as_known = not differing(before.certain, record)
            if is_as_known and lost_names.isdisjoint(lost_members(before.condensed, record)):
                return exchange
        return None

    def _come_again(self, pages: Sequence[Exchange]) -> Exchange | None:
        """Return the last page of a series if all pages come again the same, and nothing changes.

        Two servers that respond in turn, each with its own order, are no violation.
        """
        series = [
            [page, *self.later.lists(without("token", page.call.parameters), self.exchange.number)]
            for page in pages
        ]
        is_same = all([*view.by_id] == [*views[0].by_id] for views in series for view in views)
        times = min(map(len, series))
        turns = [{view.number % 2 for view in views} for views in series]
        is_in_turn = times == _MIN_TIMES and turns in ([{0}, {1}], [{1}, {0}])
        if not is_same or times < _MIN_TIMES or is_in_turn:
            return None
        return max((views[times - 1] for views in series), key=lambda view: view.number)

    def _is_short_again(self, filters: Mapping[str, Any], ids: Set[str]) -> Exchange | None:
        """Return a list that is too short again, once all that it selects was listed."""
        count = len(self.exchange.records)
        parameters = without("token", self.exchange.call.parameters)
        for full_list in self.later.lists(filters, self.exchange.number):
            repetitions = self.later.lists(parameters, full_list.number)
            if ids <= full_list.by_id.keys() and repetitions:
                return repetitions[0] if len(repetitions[0].records) == count else None
        return None

    def _disagrees(self, key: str) -> bool:
        """Return whether show and list return a webhook request differently."""
        pair = self._before_and_after(key)
        if pair is None:
            return False
        return {pair[0].last_seen.call.method, self.exchange.call.method} == {*READ_METHODS}

    def _only_server_can_have_changed_it(self) -> bool:
        """Return whether only the server can have changed a webhook request.

        Others can neither resend a SUCCESSFUL one, nor change what a resend keeps.
        """
        pair = self._before_and_after(self.suspicion.record_id)
        if pair is None:
            return False
        before, after = pair
        # A delivery may turn out to have failed after the response to its resend.
        is_open = before.was_resent and before.is_proven
        is_done = before.state == "SUCCESSFUL" and not is_open
        return is_done or bool(differing(lasting(before.condensed), lasting(after)))


def _blamed(hypothesis: Refused) -> dict[str, Any]:
    """Return the parameters without which a request would be served."""
    return {
        name: value
        for name, value in hypothesis.refused.items()
        if hypothesis.served.get(name) != value
    }
