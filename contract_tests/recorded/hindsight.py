"""Settle suspicions of a recording: nothing can be sent, so later exchanges play the confirmations.

All of a recording is known from the start. So a suspicion is settled when it comes up, by what is
still to come; what nothing settles is no violation. One rule carries most: nobody but the server
turns a webhook request back into what it was. If it is seen later as it was known, it was so all
the time, and the response in between was wrong.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import Known, Record
from crmcom_kit.contract_tests.belief.knowledge import differing, lasting, lost_members
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.oracle.lists import Hides
from crmcom_kit.contract_tests.oracle.suspicions import (
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
from crmcom_kit.contract_tests.recorded.later import READS, Later, Sight

#: So many times two pages have to come again.
MIN_PAIRS = 3
#: Members that may come back to an earlier value: each delivery that others try writes them.
RECURRING = ("error_code", "error_description", "authentication_code", "log_information.updated_")


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
