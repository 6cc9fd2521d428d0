"""Learn the dials of a server: replay its exchanges to a mock, and keep the values that fit best.

The mock is the model. Its responses with one value of a dial are compared with the responses of the
server. A value is taken if it makes many more responses fit than it makes differ. So no dial needs
a rule of its own here.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from itertools import cycle, islice
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.calibration.comparing import ENDED_TOKEN, Comparison, Difference
from crmcom_kit.contract_tests.calibration.decision_tree import OUTWEIGHS
from crmcom_kit.contract_tests.calibration.effects import dials_of, guessed_resend, learned_effects
from crmcom_kit.contract_tests.calibration.learned import Grade, Learned, left_open
from crmcom_kit.contract_tests.calibration.order import learned_order
from crmcom_kit.contract_tests.calibration.relevance import matcher_of
from crmcom_kit.contract_tests.calibration.replaying import Cache, MockReplayer, exchange_of
from crmcom_kit.contract_tests.calibration.worded import Worded, learned_words, worded
from crmcom_kit.contract_tests.calibration.world import world_of
from crmcom_kit.contract_tests.client.calls import changing_method
from crmcom_kit.contract_tests.client.exchanges import Exchange, has_code, token_of
from crmcom_kit.contract_tests.client.made_up import NO_TOKEN
from crmcom_kit.contract_tests.client.targets import Login, MockReply
from crmcom_kit.contract_tests.oracle.envelope import is_readable
from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.schemas.dialect import Dial, Dialect, dials
from crmcom_kit.schemas.effects import Effects
from crmcom_kit.schemas.profile import Profile
from crmcom_kit.schemas.releases import Release

#: Dials that no response depends on, and dials that follow from the order of lists, the effects of
#: changes and the words of responses.
_NOT_TRIED = (
    "signing.", "message.", "delivery.", "record.", "dates.", "envelope.",
    "errors.data", "errors.message_form", "errors.description",
    "list.order", "resend.request", "resend.response", "resend.updates_log", "delete.updates_log",
)  # fmt: skip
#: A server may end tokens for other reasons, too. Such a dial must explain all ended tokens.
_STRICT = ("tokens.",)
#: Weights of differences that hide all others. Any other one weighs 1; a long list may have one for
#: each webhook request.
_WEIGHTS = {
    "served or refused": 1_000_000,
    "no envelope": 1_000_000,
    "which are listed": 1_000,
    "how many are listed": 1_000,
}
MAX_ROUNDS = 4
#: Maximum number of values to try if all responses fit already.
MAX_UNHELPFUL = 4
#: Dials whose values are also tried with a value of another dial, without which they do nothing.
_TOGETHER = {"paging.maximum_results": {"paging.over_maximum": "error"}}
_ANY_TIME = "2026-01-01T00:00:00+00:00"  # of a run that does not say when it began


@dataclass(frozen=True, slots=True)
class Log:
    """The responses of a server, and what is known of it."""

    exchanges: Sequence[Exchange]
    release: Release
    login: Login
    began: datetime
    world: Sequence[Mapping[str, Any]]  # the entries of its file
    first_seen: Mapping[str, Record]  # webhook requests as they were first seen, by id
    unsteady: frozenset[str] = frozenset()
    #: HTTP status and code of a refused token, if no other refusal has them.
    token_refusal: tuple[int, Any] | None = None
    earlier: "Log | None" = None  # of the same server, which may have changed since

    @property
    def parts(self) -> "list[Log]":
        """The earlier log, if there is one, and this one."""
        return [*([] if self.earlier is None else [self.earlier]), self]

    @property
    def every_exchange(self) -> list[Exchange]:
        """The exchanges of all parts."""
        return [exchange for part in self.parts for exchange in part.exchanges]

    @property
    def all_unsteady(self) -> frozenset[str]:
        """The ids of webhook requests that are not steady, of all parts."""
        return frozenset[str]().union(*(part.unsteady for part in self.parts))

    @property
    def all_first_seen(self) -> dict[str, Record]:
        """The webhook requests of all parts as they were first seen, by id."""
        return {key: record for part in self.parts for key, record in part.first_seen.items()}

    def in_order(self, ids: Sequence[str]) -> "Log":
        """Return a copy whose webhook requests are in the order of their ``ids``."""
        places = {key: at for at, key in enumerate(ids)}

        def place(entry: Mapping[str, Any]) -> int:
            record = entry.get("webhook_request", {}).get("record")  # others stay first
            return -1 if record is None else places.get(record["id"], len(places))

        earlier = None if self.earlier is None else self.earlier.in_order(ids)
        return replace(self, world=sorted(self.world, key=place), earlier=earlier)

    def comparison(self) -> Comparison:
        """Return what compares this server's responses with those of a mock."""
        return Comparison(self.all_first_seen, self.all_unsteady, self.token_refusal)


def log_of(results: Results) -> Log:
    """Return the log of a run, or of a recording."""
    target, world = results.target, world_of(results.history)
    began = datetime.fromisoformat(results.began or _ANY_TIME)
    refusal = _token_refusal(results.history)
    exchanges = [exchange for exchange in results.history if not _is_lost(exchange, refusal)]
    return Log(
        exchanges, target.release, target.login, began, world.entries(), world.records,
        results.unsteady, refusal,
    )  # fmt: skip


def _is_lost(exchange: Exchange, token_refusal: tuple[int, Any] | None) -> bool:
    """Return whether a change was refused because the token had ended; the mock would do it."""
    is_refused = not exchange.ok and exchange.wording == token_refusal
    return is_refused and changing_method(exchange.call) is not None


def _token_refusal(history: Sequence[Exchange]) -> tuple[int, Any] | None:
    """Return HTTP status and code for an unknown token, if other refusals have other codes."""
    refusals = [exchange for exchange in history if not exchange.ok and has_code(exchange)]
    codes = {exchange.wording for exchange in refusals}
    for exchange in refusals:
        if exchange.call.parameters.get("token") == NO_TOKEN and len(codes) > 2:
            return exchange.wording
    return None


Mark = tuple[int, bytes, str]  # HTTP status, a digest of the body, and the kind of error


class _Latest(NamedTuple):
    """The mock's latest response to a request."""

    mark: Mark
    score: int  # the weight of its differences
    changed_at: int  # the replay that changed it last


@dataclass
class _Fit:
    """How well a mock's latest responses fit those of the server."""

    comparison: Comparison
    latest: dict[int, _Latest] = field(default_factory=dict)  # by number, as the next one
    _worded: dict[int, Worded | None] = field(default_factory=dict)  # None for another kind
    replay_count: int = 0
    _differences: dict[tuple[int, Mark], list[Difference]] = field(default_factory=dict)
    _usual: dict[str, tuple[int, Any]] = field(default_factory=dict)  # refusals, by kind of error

    @property
    def worded(self) -> list[Worded]:
        """How the server has worded its responses, if the mock's are of the same kind."""
        return [*filter(None, self._worded.values())]

    def update(self, replies: Sequence[tuple[Exchange, MockReply]]) -> bool:
        """Record the responses of a replay; return whether others may fit better or worse now."""
        for exchange, reply in replies:
            is_alike = exchange.ok or (reply.kind and has_code(exchange))
            is_worded = is_alike and is_readable(exchange)
            self._worded[exchange.number] = worded(exchange, reply) if is_worded else None
        counts = defaultdict[str, Counter[tuple[int, Any]]](Counter)
        for response in self.worded:
            if response.parts.get("served") == "no":
                wording = response.parts["status"], response.parts["code"]
                counts[response.facts["kind"]][wording] += 1
        before, self._usual = self._usual, {k: c.most_common(1)[0][0] for k, c in counts.items()}
        for key in [key for key in self._differences if key[1][2]]:
            del self._differences[key]  # it depends on the usual wording of a refusal
        self.replay_count += 1
        for exchange, reply in replies:
            mark, score = _mark(reply), _score(self.differences(exchange, reply))
            if self.latest.get(exchange.number, ())[:2] != (mark, score):
                self.latest[exchange.number] = _Latest(mark, score, self.replay_count)
        return any(before.get(kind, usual) != usual for kind, usual in self._usual.items())

    def differences(self, exchange: Exchange, reply: MockReply) -> list[Difference]:
        """Return the differences of a response; equal responses are compared once."""
        key = exchange.number, _mark(reply)
        if key not in self._differences:
            self.comparison.wording = lambda _: self._usual.get(reply.kind)
            mock_exchange = exchange_of(exchange, reply)
            self._differences[key] = self.comparison.differences(exchange, mock_exchange)
        return self._differences[key]


class _TimeUp(Exception):
    """There is no time to try more values."""


class Learning:
    """Tries values of dials, one after the other, until no other value fits better."""

    def __init__(
        self, log: Log, is_time_up: Callable[[], bool], progress: Callable[[str], None]
    ) -> None:
        """Know nothing yet of the dials of the server that has a log."""
        self.is_cut_short = False  # whether there was more to try
        self.untried_dials: list[str] = []
        self.learned: dict[str, Learned] = {}  # by dial
        self.effects: Mapping[str, Effects] = {}  # of changes
        self.derived_kinds: Set[str] = frozenset()  # kinds of changes whose effects are guesses
        self.log, self._is_time_up, self._progress = log, is_time_up, progress
        self._settings: dict[str, Any] = {}  # dials that differ from the default
        self._caches = [Cache() for _ in log.parts]
        self._fit = _Fit(log.comparison())
        self._settled_at: dict[str, int] = {}  # by dial: the number of replays until then
        #: Dial -> the values that are worth a try, the default first.
        self._values: dict[str, list[Any]] = {}
        for dial in dials().values():
            values = [value for value in self._values_of(dial) if value != dial.default]
            if values and not (dial.error_kind or dial.key.startswith(_NOT_TRIED)):
                self._values[dial.key] = [dial.default, *values]
        #: Dial -> numbers of the exchanges that it may affect.
        self._affected_numbers = {
            key: frozenset(e.number for e in log.every_exchange if matcher_of(key)(e))
            for key in self._values
        }

    def learn(self) -> None:
        """Learn order, effects, words and dials from the log, until ``is_time_up``."""
        self._learn_order()
        self._learn_effects()
        self._replay()
        self._learn_words()
        self._replay()
        try:
            self._settle_in_turn()
            self._learn_words()
            self._learn_what_is_served()
        except _TimeUp:
            self._learn_words()
            self.is_cut_short = True
            self.untried_dials = [key for key in self._values if key not in self.learned]
            for key in self.untried_dials:
                self.learned[key] = left_open(self._values[key], "not tried")

    def _learn_order(self) -> None:
        """Learn the order of lists, which decides what is on a page."""
        order = learned_order(self.log.every_exchange, self.log.all_unsteady)
        default = tuple(dials()["list.order"].default)
        values = [list(keys) for keys in (order.keys or default, order.rival) if keys]
        if order.ids:
            self.log = self.log.in_order(order.ids)
        self._settings["list.order"] = values[0]
        self.learned["list.order"] = Learned(values, order.grade, order.reason)

    def _learn_effects(self) -> None:
        """Learn the effects of changes on a webhook request, and the dials that follow."""
        log = self.log
        guess = guessed_resend(log.all_first_seen.values(), log.release)
        seen_effects = learned_effects(log.every_exchange, log.all_unsteady, guess)
        self.effects = ({"resend": guess} if guess else {}) | seen_effects
        self.derived_kinds = self.effects.keys() - seen_effects.keys()
        for dial, value in dials_of(self.effects).items():
            is_guess = dial.partition(".")[0] in self.derived_kinds
            grade = Grade.DERIVED if is_guess else Grade.OBSERVED
            reason = "as SUCCESSFUL ones" if is_guess else "what changes do"
            self._settings[dial], self.learned[dial] = value, Learned([value], grade, reason)

    def _learn_words(self) -> None:
        """Learn the words of responses, by the kinds of the mock's latest responses."""
        responses = [response for response in self._fit.worded if not response.is_served_error]
        self._keep(learned_words(responses, self.log.release))

    def _learn_what_is_served(self) -> None:
        """Learn which requests the server serves that the mock refuses with any dials."""
        responses = self._fit.worded
        if not any(response.is_served_error for response in responses):
            return
        words = learned_words(responses, self.log.release)
        changes = {dial: result.values[0] for dial, result in words.items()}
        gains, losses, _ = self._try(changes, frozenset(self._fit.latest))
        if gains > losses * OUTWEIGHS:
            self._keep(words)

    def _keep(self, words: Mapping[str, Learned]) -> None:
        self.learned |= words
        self._settings |= {dial: result.values[0] for dial, result in words.items()}

    def _settle_in_turn(self) -> None:
        """Learn dial after dial until no dial changes any more. Raises _TimeUp."""
        keys, unchanged_count = list(self._values), 0
        for at, key in enumerate(islice(cycle(keys), MAX_ROUNDS * len(keys))):
            self._progress(
                f"learning, round {at // len(keys) + 1}: "
                f"dial {at % len(keys) + 1} of {len(keys)}, {key}"
            )
            old_settings = dict(self._settings)
            self.learned[key] = self._settle(key)
            unchanged_count = unchanged_count + 1 if self._settings == old_settings else 0
            if unchanged_count == len(keys):  # each was tried since the last change
                return

    def _settle(self, key: str) -> Learned:
        """Learn the best value of one dial."""
        best_value = self._settings.get(key, dials()[key].default)
        fits, witness = [best_value], None
        numbers, settled_at = self._affected_numbers[key], self._settled_at.get(key, 0)
        latest = [self._fit.latest[number] for number in numbers]
        if key in self.learned and all(response.changed_at <= settled_at for response in latest):
            return self.learned[key]
        can_help = any(response.score for response in latest)
        values = self._values[key] if can_help else self._values[key][:MAX_UNHELPFUL]
        for value, companions in self._variants(key, values):
            if value == best_value and not companions:
                continue
            gains, losses, misfit = self._try({key: value, **companions}, numbers)
            is_ruled_out = bool(losses) and key.startswith(_STRICT)
            if gains > losses * OUTWEIGHS and not is_ruled_out:
                self._settings |= {key: value, **companions}
                best_value, fits = value, [value]
                self._replay(numbers)
            elif not losses and value not in fits:
                fits.append(value)
            elif misfit is not None and (witness is None or misfit.number > witness.number):
                witness = misfit
        self._settled_at[key] = self._fit.replay_count
        if len(fits) > 1:
            return left_open(fits, "all responses fit")
        return Learned(fits, Grade.OBSERVED, "" if witness is None else _named(witness))

    def _variants(self, key: str, values: Sequence[Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        """Yield the values to try, each alone, and then with the value of another dial."""
        for value in values:
            yield value, {}
            if key in _TOGETHER and value != dials()[key].default:
                yield value, _TOGETHER[key]

    def _try(
        self, changes: Mapping[str, Any], numbers: Set[int]
    ) -> tuple[int, int, Exchange | None]:
        """Return how many responses fit better and worse with changes, and the first worse one."""
        misfits = sum(1 for number in numbers if self._fit.latest[number].score)
        gains, losses, first_misfit = 0, 0, None
        is_strict = any(key.startswith(_STRICT) for key in changes)
        for exchange, reply in self._replies({**self._settings, **changes}, numbers):
            if self._is_time_up():
                raise _TimeUp
            latest = self._fit.latest[exchange.number]
            if latest.mark == _mark(reply) and not is_strict:
                continue
            differences = self._fit.differences(exchange, reply)
            change = _score(differences) - latest.score
            gains += change < 0
            is_unexplained = is_strict and any(
                difference.aspect == ENDED_TOKEN for difference in differences
            )
            losses += change > 0 or is_unexplained
            if change > 0:
                first_misfit = first_misfit or exchange
                if losses * OUTWEIGHS >= misfits:
                    break
        return gains, losses, first_misfit

    def _replay(self, numbers: Set[int] | None = None) -> None:
        """Replay all exchanges with what was learned so far, or some by number."""
        if self._fit.update([*self._replies(self._settings, numbers)]) and numbers:
            self._replay()  # refusals that the dial does not affect may fit better or worse now

    def _replies(
        self, settings: Mapping[str, Any], numbers: Set[int] | None = None
    ) -> Iterator[tuple[Exchange, MockReply]]:
        """Yield a mock's responses to all requests, or to some by number; it gets all changes."""
        dialect = Dialect("tried", settings)
        for part, cache in zip(self.log.parts, self._caches, strict=True):
            profile = Profile(part.release, dialect, part.world, effects=self.effects)
            mock = MockReplayer(profile, part.login, part.began, cache)
            for exchange in part.exchanges:
                is_affected = numbers is None or exchange.number in numbers
                if is_affected or _changes(exchange):
                    reply = mock.reply(exchange)
                    if is_affected:
                        yield exchange, reply

    def _values_of(self, dial: Dial) -> Iterable[Any]:
        """Return the values of a dial that responses may distinguish."""
        match dial.type:
            case "choice":
                return list(dial.choices)
            case "boolean":
                return [False, True]
        if dial.key == "list.created_date.utc_offset":
            return [f"{hours:+03d}:00" for hours in range(-12, 15)]
        if dial.key == "tokens.live_at_once":  # what fewer logins than that show
            logins = sum(token_of(exchange) is not None for exchange in self.log.every_exchange)
            return range(min(6, logins))
        if dial.key == "paging.default_results":
            return [0, *self._lengths(is_limited=False)]
        if dial.key == "paging.maximum_results":
            return [0, *self._lengths(is_limited=True), *self._refused_lengths()]
        return []

    def _refused_lengths(self) -> list[int]:
        """Return the largest possible maximum of results, if larger numbers were refused."""
        numbers: dict[bool, list[int]] = {True: [0], False: []}  # by whether it was served
        for exchange in self.log.every_exchange:
            text = str(exchange.call.parameters.get("number_of_results"))
            if exchange.call.method == "list" and text.isdecimal():
                numbers[exchange.ok].append(int(text))
        maxima = [number - 1 for number in numbers[False] if number > max(numbers[True]) + 1]
        return [*filter(dials()["paging.maximum_results"].accepts, sorted(maxima)[:1])]

    def _lengths(self, *, is_limited: bool) -> list[int]:
        """Return the lengths that several of the longest lists have, and the longest one.

        They are of lists with number_of_results, or of lists without it.
        """
        lists = [
            exchange for exchange in self.log.every_exchange
            if exchange.ok and exchange.call.method == "list"
            and is_limited is ("number_of_results=" in exchange.call.query)
        ]  # fmt: skip
        counts = Counter(len(exchange.records) for exchange in lists)
        lengths = sorted(length for length, count in counts.items() if length and count > 1)[-3:]
        max_length = max(counts, default=0)
        return lengths if max_length in (0, *lengths) else [*lengths, max_length]


def _mark(reply: MockReply) -> Mark:
    """Return what identifies a response. Long responses themselves are not kept."""
    return reply.status, blake2b(reply.content, digest_size=16).digest(), reply.kind


def _changes(exchange: Exchange) -> bool:
    """Return whether a request may change later responses."""
    is_of_token = exchange.call.path.startswith("authentication/")
    return changing_method(exchange.call) is not None or is_of_token


def _score(differences: Sequence[Difference]) -> int:
    return sum(_WEIGHTS.get(difference.aspect, 1) for difference in differences)


def _named(exchange: Exchange) -> str:
    call = exchange.call
    return f"request {exchange.number}, {call.verb} {call.method or 'another path'}"
