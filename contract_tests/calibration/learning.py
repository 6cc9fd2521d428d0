"""Learn the dials of a server: replay its exchanges to a mock, and keep the values that fit best.

The mock is the model. What it responds with one value of a dial is compared with what the
server has responded; a value that more responses contradict than bear out is ruled out by the first
of them. So there is no rule here for any one dial.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle, islice, takewhile
from math import inf
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.calibration.comparing import ENDED_TOKEN, Comparison, Difference
from crmcom_kit.contract_tests.calibration.following import MockFollower
from crmcom_kit.contract_tests.calibration.world import world_of
from crmcom_kit.contract_tests.client.calls import changing_method
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.made_up import NO_TOKEN
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.contract_tests.targets import Login
from crmcom_kit.schemas.dialect import Dial, Dialect, dials, error_kinds
from crmcom_kit.schemas.profile import Profile
from crmcom_kit.schemas.releases import Release

#: Dials that no response of the four methods and the logins depends on, or not in this way.
_LEFT_OUT = (
    *("signing.", "message.", "delivery.", "record.", "dates."),
    *("envelope.key_order", "envelope.content_type"),
)
_LEARNED_BESIDES = ("record.unset_members",)
#: A value that fits so many times as many responses as it contradicts is kept.
_OUTWEIGHS = 5
#: A server may end tokens for reasons of its own: such a dial explains all that ended, or none.
_STRICT = ("tokens.",)
#: What a difference weighs, compared with one in a member: it hides all others, and of these a long
#: list has one for each webhook request.
_WEIGHTS = {
    "served or refused": 1_000_000,
    "no envelope": 1_000_000,
    "which are listed": 1_000,
    "how many are listed": 1_000,
}
MAX_ROUNDS = 4
_ANY_TIME = "2026-01-01T00:00:00+00:00"  # of a run that does not say when it began


@dataclass(frozen=True, slots=True)
class Log:
    """What a server has responded, and what is known beside it."""

    exchanges: Sequence[Exchange]
    release: Release
    login: Login
    began: datetime
    world: Sequence[Mapping[str, Any]]  # entries
    original: Mapping[str, Record]  # webhook requests as they were first seen, by id
    unsteady: frozenset[str] = frozenset()
    token_refusal: tuple[int, Any] | None = None  # if no other refusal looks like it
    held_out: frozenset[int] = frozenset()  # numbers of exchanges that nothing is learned from
    earlier: "Log | None" = None  # of the same server, which may have changed in between
    check: Callable[[], None] = lambda: None  # called now and then; raises to stop it all
    is_time_up: Callable[[], bool] = lambda: False  # asked now and then: whether to learn no more

    @property
    def parts(self) -> "list[Log]":
        """The earlier log, if there is one, and this one."""
        return [*([] if self.earlier is None else [self.earlier]), self]

    @property
    def every_exchange(self) -> list[Exchange]:
        """The exchanges of both."""
        return [each for part in self.parts for each in part.exchanges]

    def comparison(self, **more: Any) -> Comparison:
        """Return what compares this server's responses with another's."""
        return Comparison(dict(self.original), set(self.unsteady), self.token_refusal, **more)


@dataclass(slots=True)
class Settled:
    """What became of one dial."""

    fits: list[Any]  # every value that no response has ruled out
    number: int = 0  # of the exchange that ruled out the last other value
    is_tried: bool = True  # there was time for it


@dataclass
class Learned:
    """What was learned from a log."""

    settings: dict[str, Any] = field(default_factory=dict)  # dials that differ from the default
    settled: dict[str, Settled] = field(default_factory=dict)  # by dial
    is_cut_short: bool = False  # whether there was more to try
    #: Kind -> how often the server has refused with an HTTP status and a code.
    wordings: dict[str, Counter[tuple[int, Any]]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)  # kind -> how its message begins

    def changes(self) -> dict[str, Any]:
        """Return the dials that were learned; a contradictory one has its most frequent value."""
        changes = dict(self.settings)
        changes |= {dial: seen.most_common(1)[0][0] for dial, seen in self.refusals().items()}
        texts = {f"errors.{kind}.message": text for kind, text in self.texts.items()}
        return changes | {dial: text for dial, text in texts.items() if dials()[dial].accepts(text)}

    def refusals(self) -> dict[str, Counter[Any]]:
        """Return how often each value of the dials of kinds of errors was seen, by dial."""
        found: dict[str, Counter[Any]] = {}
        for kind, wordings in self.wordings.items():
            for at, part in enumerate(("status", "code")):
                dial = dials()[f"errors.{kind}.{part}"]
                for wording, count in wordings.items():
                    if dial.accepts(wording[at]):
                        found.setdefault(dial.key, Counter())[wording[at]] += count
        return found

    @property
    def unsettled(self) -> dict[str, list[Any]]:
        """The dials that are left open, with the values that fit or were seen."""
        contradictory = {
            dial: [value for value, _ in seen.most_common()]
            for dial, seen in self.refusals().items()
        }
        found = {dial: each.fits for dial, each in self.settled.items()} | contradictory
        return {dial: values for dial, values in found.items() if len(values) > 1}


def log_of(results: Results) -> Log:
    """Return the log of a run, or of a recording."""
    target, world = results.target, world_of(results.history)
    began = datetime.fromisoformat(results.began or _ANY_TIME)
    refusal = _token_refusal(results.history)
    exchanges = [each for each in results.history if not _is_lost(each, refusal)]
    return Log(
        exchanges, target.release, target.login, began, world.entries(), world.records,
        results.unsteady, refusal,
    )  # fmt: skip


def _is_lost(exchange: Exchange, token_refusal: tuple[int, Any] | None) -> bool:
    """Whether a change came to nothing since the token had ended, which the mock does not know."""
    is_refused = not exchange.ok and (exchange.status, exchange.code) == token_refusal
    return is_refused and changing_method(exchange.call) is not None


def _token_refusal(history: Sequence[Exchange]) -> tuple[int, Any] | None:
    """Return how a server refuses the token that no login returned, if it has other codes, too."""
    refused = [each for each in history if not each.ok and isinstance(each.code, str)]
    codes = {(each.status, each.code) for each in refused}
    for each in refused:
        if each.call.parameters.get("token") == NO_TOKEN and len(codes) > 2:
            return each.status, each.code
    return None


def learn(log: Log) -> Learned:
    """Return what ``log`` tells of the server's dials."""
    return _Learning(log).learned()


class _TimeUp(Exception):
    """There is no time to try more values."""


class _Learning:
    """Tries values of dials, one after the other, until no other value fits better."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._kinds = {error["code"]: kind for kind, error in error_kinds().items()}
        self.result = Learned()
        self._comparison_of = {  # by exchange number
            each.number: comparison
            for part in log.parts
            for comparison in [part.comparison(wording=self._wording)]
            for each in part.exchanges
        }
        self._wordings: dict[str, tuple[int, Any]] = {}  # the most frequent one of each kind
        self._scores: dict[int, int] = {}
        self._compared: dict[tuple[int, int, bytes], list[Difference]] = {}
        self._responses: list[tuple[int, bytes]] = []  # the mock's, with what was learned so far
        self._kind_at: list[str | None] = []  # the kinds of its refusals, and how many there are
        self._counts: Counter[str | None] = Counter()
        self._inert: set[tuple[str, Any]] = set()  # dials and values that no response depends on

    def learned(self) -> Learned:
        """Go through the dials in turn as long as one of them changes, and there is time."""
        result = self.result
        self._take(result.settings)
        try:
            self._go_through()
        except _TimeUp:
            result.is_cut_short = True
            for dial in _learnable():
                values = list(self._values(dial))
                if dial.key not in result.settled and values:
                    result.settled[dial.key] = Settled(values, is_tried=False)
        return result

    def _go_through(self) -> None:
        all_dials, unchanged = _learnable(), 0
        for dial in islice(cycle(all_dials), MAX_ROUNDS * len(all_dials)):
            before = dict(self.result.settings)
            self.result.settled[dial.key] = self._settle(dial)
            unchanged = unchanged + 1 if self.result.settings == before else 0
            if unchanged == len(all_dials):  # since the last change each was tried
                return

    def _settle(self, dial: Dial) -> Settled:
        """Find the value of one dial that fits best."""
        present = self.result.settings.get(dial.key, dial.default)
        fits, number = [present], 0
        for value in self._values(dial):
            if value == present:
                continue
            if (dial.key, value) in self._inert:
                fits.append(value)
                continue
            helped, harmed, first = self._tried(dial.key, value)
            limit = inf if dial.key.startswith(_STRICT) else _OUTWEIGHS
            if helped > (harmed and harmed * limit):
                self.result.settings[dial.key] = present = value
                self._take(self.result.settings)
                fits = [value]
            elif not harmed:
                fits.append(value)
            else:
                number = max(number, first)
        return Settled(fits, number)

    def _tried(self, key: str, value: Any) -> tuple[int, int, int]:
        """Return how many responses another value fits better and worse, and the first of these."""
        before = sum(1 for score in self._scores.values() if score)
        helped, harmed, first, is_inert = 0, 0, 0, True
        is_strict = key.startswith(_STRICT)
        for at, (exchange, own) in enumerate(self._pairs({**self.result.settings, key: value})):
            if self._log.is_time_up():
                raise _TimeUp
            if exchange.number in self._log.held_out:
                continue
            if self._responses[at] == (own.status, own.content) and not is_strict:
                continue
            is_inert = False
            number = exchange.number
            found = self._differences(exchange, own)
            helped += self._names_it_better(at, own)
            change = _score(found) - self._scores[number]
            helped += change < 0
            is_unexplained = is_strict and any(each.what == ENDED_TOKEN for each in found)
            harmed += change > 0 or is_unexplained
            if change > 0:
                first = first or number
                if harmed * _OUTWEIGHS >= before:
                    break
        if is_inert:
            self._inert.add((key, value))
        return helped, harmed, first

    def _names_it_better(self, at: int, own: Exchange) -> bool:
        """Whether a refusal is now of a kind that the server words like this more often.

        Two kinds with one wording may be one, unless the server has few wordings for all.
        """
        wordings, counts = self._wordings, self._counts
        before, now = self._kind_at[at], self._kinds.get(own.code)
        if before is None or now is None or before == now:
            return False
        is_telling = 2 * len(set(wordings.values())) > len(wordings)
        return (
            is_telling
            and wordings.get(before) == wordings.get(now)
            and counts[now] > counts[before]
        )

    def _take(self, settings: Mapping[str, Any]) -> None:
        """Replay all with these settings, and learn how each kind of error is worded."""
        result = self.result
        result.wordings.clear()
        self._compared.clear()
        told: dict[str, list[Exchange]] = {}
        pairs = list(self._pairs(settings))
        learned_from = [each for each in pairs if each[0].number not in self._log.held_out]
        for exchange, own in learned_from:
            kind = None if exchange.ok else self._kinds.get(own.code)
            if kind is not None and isinstance(exchange.code, str):
                result.wordings.setdefault(kind, Counter())[exchange.status, exchange.code] += 1
                told.setdefault(kind, []).append(exchange)
        most = {kind: found.most_common(1) for kind, found in result.wordings.items()}
        self._wordings = {kind: wording for kind, [(wording, _)] in most.items()}
        result.texts = {kind: text for kind, each in told.items() if (text := _beginning(each))}
        self._kind_at = [self._kinds.get(own.code) for _, own in pairs]
        self._counts = Counter(self._kind_at)
        self._responses = [(own.status, own.content) for _, own in pairs]
        self._scores = {
            one.number: _score(self._differences(one, own)) for one, own in learned_from
        }

    def _differences(self, exchange: Exchange, own: Exchange) -> list[Difference]:
        """Return in what a response differs; most values of a dial change few responses."""
        key = exchange.number, own.status, own.content
        if key not in self._compared:
            self._compared[key] = self._comparison_of[exchange.number].differences(exchange, own)
        return self._compared[key]

    def _wording(self, own: Exchange) -> tuple[int, Any] | None:
        return self._wordings.get(self._kinds.get(own.code, ""))

    def _pairs(self, settings: Mapping[str, Any]) -> Iterator[tuple[Exchange, Exchange]]:
        dialect = Dialect("tried", settings)
        for part in self._log.parts:
            profile = Profile(part.release, dialect, part.world)
            mock = MockFollower(profile, part.login, part.began)
            for exchange in part.exchanges:
                self._log.check()
                yield exchange, mock.respond(exchange)

    def _values(self, dial: Dial) -> Iterable[Any]:
        """Return the values that a dial may have, as far as they are worth a try."""
        match dial.type:
            case "choice":
                return list(dial.choices)
            case "boolean":
                return [False, True]
        if dial.key == "list.created_date.utc_offset":
            return [f"{hours:+03d}:00" for hours in range(-12, 15)]
        if dial.key == "tokens.live_at_once":
            return range(6)
        if dial.key.startswith("paging."):
            return [0, *self._lengths()]
        return []

    def _lengths(self) -> list[int]:
        """Return how long the longest lists are, as far as several have that length."""
        lists = [e for e in self._log.every_exchange if e.ok and e.call.method == "list"]
        counts = Counter(len(each.records) for each in lists)
        return sorted(length for length, count in counts.items() if length and count > 1)[-3:]


def _learnable() -> list[Dial]:
    return [
        dial
        for dial in dials().values()
        if dial.key in _LEARNED_BESIDES or not (dial.error_kind or dial.key.startswith(_LEFT_OUT))
    ]


def _score(found: Sequence[Difference]) -> int:
    return sum(_WEIGHTS.get(each.what, 1) for each in found)


def _beginning(refusals: Sequence[Exchange]) -> str:
    """Return the words that messages of one kind of error begin with, less what is about one."""
    messages = {each.message for each in refusals if isinstance(each.message, str)}
    alike = takewhile(lambda each: len({*each}) == 1, zip(*map(str.split, messages), strict=False))
    common = " ".join(words[0] for words in alike)
    if len(messages) > 1:
        return common if common.endswith(".") else ""
    given = (value for each in refusals for value in _values(each.call.parameters))
    sent = [*map(str, given), *(each.call.path for each in refusals)]
    return "" if any(value in common for value in sent if value) else common


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _values(inner)
    else:
        yield value
