"""Requests of a recording that were refused and that the documents want served: does it count?

A session sends them again. In a recording a refusal counts only if a later request with the same
token was served, so that it was not for the token's sake, and if the webhook request that it names
is seen unchanged after it. If the same request is served later, it was for a moment only.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from crmcom_kit.contract_tests.checks.checker import Refused
from crmcom_kit.contract_tests.checks.history import differing
from crmcom_kit.contract_tests.checks.sense import Sense
from crmcom_kit.contract_tests.checks.world import Record, World
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation


@dataclass(slots=True)
class _Doubt:
    """A request that the documents want served, and that was refused."""

    violation: Violation
    token: str
    known: Record | None  # the webhook request that it names, as it was known
    asked: str  # the same for the same request
    is_failure: bool  # HTTP says that the server failed, which may be over the next moment
    refused_again: bool = False
    seen_again: bool = False  # the webhook request, unchanged
    shown_whole: bool = False  # it was shown to the same request without fields_set

    @property
    def number(self) -> int:
        """Its place in the recording."""
        return self.violation.exchanges[-1].number


@dataclass(slots=True)
class Doubts:
    """Refusals of what the documents want served, until more of the recording is known."""

    open: dict[str, _Doubt] = field(default_factory=dict)  # by request, without its token
    _by_record: dict[str, list[_Doubt]] = field(default_factory=dict)
    #: Token -> number of the last exchange for which it was valid.
    _served: dict[str, int] = field(default_factory=dict)

    def see(self, exchange: Exchange, sense: Sense) -> None:
        """Take note of an exchange that comes after the refusals."""
        asked = _asked(sense)
        if exchange.ok:
            self.open.pop(asked, None)  # it was over the next moment
            if isinstance(sense.token, str):
                self._served[sense.token] = exchange.number
        elif asked in self.open:
            self.open[asked].refused_again = True
        plain = exchange.ok and sense.name == "show" and "fields_set" not in sense.given
        for record in exchange.records if sense.name in ("show", "list") else ():
            for doubt in self._by_record.get(str(record.get("id")), ()):
                if doubt.known is not None and not differing(doubt.known, record):
                    doubt.seen_again = True
                    doubt.shown_whole |= plain

    def add(self, refused: Refused, world: World) -> None:
        """Keep a refusal; of the same request the first one."""
        expected, violation = refused.expectation, refused.violation
        asked, exchange = _asked(expected.sense), violation.exchanges[-1]
        if asked in self.open:
            return
        key = expected.record
        known = world.settled(key) if key is not None and key in world.records else None
        token = str(expected.sense.token)
        doubt = _Doubt(violation, token, known, asked, exchange.status >= 500)
        self.open[asked] = doubt
        if key is not None:
            self._by_record.setdefault(key, []).append(doubt)

    def conclude(self) -> Iterator[Violation]:
        """Yield the violations that the rest of the recording confirms."""
        for doubt in self.open.values():
            was_good = self._served.get(doubt.token, 0) > doubt.number
            if not was_good or (doubt.known is not None and not doubt.seen_again):
                continue
            if doubt.is_failure and not doubt.refused_again:
                continue
            is_show = doubt.violation.statement.startswith("show.")
            if is_show and doubt.shown_whole and "fields_set" in doubt.asked:
                doubt.violation.statement = "show.fields_set.names"
            yield doubt.violation


def _asked(sense: Sense) -> str:
    given = {name: value for name, value in sense.given.items() if name != "token"}
    return f"{sense.verb} {sense.name} {sorted(given.items(), key=lambda pair: pair[0])!r}"
