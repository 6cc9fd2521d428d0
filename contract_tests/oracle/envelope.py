"""Check the envelope: the JSON around every response, of a success and of an error."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.client.exchanges import NOT_JSON, Exchange
from crmcom_kit.contract_tests.findings import Violation, shortened
from crmcom_kit.contract_tests.oracle.expectations import Expectation, Must
from crmcom_kit.contract_tests.oracle.sense import FIELDS, RECORD_METHODS

#: A gateway in front of the API says with these that it cannot be reached: no response of its own.
_OUTAGES = (502, 503, 504)
_TEXTS = ("message", "description")
#: So many messages of successes are remembered.
MAX_MESSAGES = 1_000


@dataclass(slots=True)
class Envelopes:
    """Checks envelopes; remembers which messages stood beside a success."""

    _of_success: set[str] = field(default_factory=set)

    def check(self, exchange: Exchange, expected: Expectation) -> Iterator[str | Violation]:
        """Check envelope.* and errors.*, as far as one response tells."""
        if exchange.json is NOT_JSON:
            if exchange.status not in _OUTAGES:
                refused = exchange.status >= 400 or expected.must is Must.REFUSE
                statement = "errors.json" if refused else "envelope.json"
                yield Violation(statement, exchange, expected="JSON", seen=_seen(exchange))
            return
        yield "envelope.json"
        lack = _lack(exchange.json)
        if lack:
            wanted = "an object with a status that has code, message and description"
            yield Violation("envelope.status", exchange, expected=wanted, seen=lack)
            return
        yield "envelope.status"
        yield from _texts(exchange)
        if exchange.ok and not self._speaks_of_an_error(exchange, expected):
            has_room = len(self._of_success) < MAX_MESSAGES
            if exchange.data and isinstance(exchange.message, str) and has_room:
                self._of_success.add(shortened(exchange.message))
            yield "envelope.code_ok"
            yield from _data(exchange, expected.sense.name)
        else:
            yield from _code_of_error(exchange, expected.sense.name)

    def _speaks_of_an_error(self, exchange: Exchange, expected: Expectation) -> bool:
        """Whether a code OK stands in an error: a request to be refused, no data, a message."""
        message = exchange.message
        if not isinstance(message, str) or not message.strip() or exchange.data:
            return False
        return shortened(message) not in self._of_success and expected.must is Must.REFUSE


def is_readable(exchange: Exchange) -> bool:
    """Whether a response has an envelope of which more can be said."""
    return exchange.json is not NOT_JSON and not _lack(exchange.json)


def _lack(answer: Any) -> str:
    """Say what a response lacks of an envelope; nothing if it lacks nothing."""
    if not isinstance(answer, dict):
        return f"a JSON {type(answer).__name__} instead of an object"
    status = answer.get("status")
    if not isinstance(status, dict):
        return "no status object" if "status" not in answer else f"status {shortened(repr(status))}"
    missing = [name for name in ("code", *_TEXTS) if name not in status]
    return f"a status without {' and '.join(missing)}" if missing else ""


def _texts(exchange: Exchange) -> Iterator[str | Violation]:
    for name in _TEXTS:
        value = exchange.envelope["status"][name]
        if value is not None and not isinstance(value, str):
            yield Violation(
                "envelope.status_texts", exchange, expected=f"{name} as a string or null",
                seen=f"{name} is {shortened(repr(value))}",
            )  # fmt: skip
            return
    yield "envelope.status_texts"


def _code_of_error(exchange: Exchange, method: str) -> Iterator[str | Violation]:
    """Check the code of a request that was not served: another string than OK."""
    code = exchange.code
    if code != "OK" and exchange.status < 400 and _has_result(exchange, method):
        seen = f"code {shortened(repr(code))}"
        wanted = "code OK, since the response has a result"
        yield Violation("envelope.code_ok", exchange, expected=wanted, seen=seen)
    elif code == "OK" or not code or not isinstance(code, str):
        yield Violation(
            "errors.code_not_ok", exchange,
            expected="a string other than OK as the code of an error",
            seen=f"HTTP {exchange.status}, code {shortened(repr(code))}, "
            f"message {shortened(repr(exchange.message))}",
        )  # fmt: skip
    else:
        yield from ("errors.json", "errors.code_not_ok")


def _has_result(exchange: Exchange, method: str) -> bool:
    """Whether data holds what a success has: fields of webhook requests, or a token."""
    data = exchange.data
    first = data[0] if isinstance(data, list) and data else data
    if not isinstance(first, dict):
        return False
    if method == "resend" and first.get("life_cycle_state") != "SUCCESSFUL":
        return False  # that a delivery has failed may be an error, with the webhook request
    return not {"token", *FIELDS}.isdisjoint(first)


def _data(exchange: Exchange, method: str) -> Iterator[str | Violation]:
    """Check whether data has the form that the method's data has."""
    data = exchange.data
    if method in RECORD_METHODS:
        if isinstance(data, dict):
            yield from ("envelope.data_object", f"{method}.single_result")
        elif isinstance(data, list) and len(data) > 1:
            wanted, seen = "one webhook request", f"an array of {len(data)}"
            yield Violation(f"{method}.single_result", exchange, expected=wanted, seen=seen)
        else:
            seen = _kind(data) if "data" in exchange.envelope else "no data"
            wanted = "one object, the webhook request, as data"
            yield Violation("envelope.data_object", exchange, expected=wanted, seen=seen)
    elif method == "list":
        if isinstance(data, list) and all(isinstance(each, dict) for each in data):
            if data:
                yield "envelope.data_array"
        elif data is not None:
            odd = data
            if isinstance(data, list):
                odd = next(each for each in data if not isinstance(each, dict))
            seen = f"data with {_kind(odd)}" if odd is not data else _kind(data)
            wanted = "an array of webhook requests as data"
            yield Violation("envelope.data_array", exchange, expected=wanted, seen=seen)


def _kind(value: Any) -> str:
    names = {list: "an array", dict: "an object", str: "a string", bool: "a Boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def _seen(exchange: Exchange) -> str:
    """Return the beginning of what came; nothing of a login, which may hold a token."""
    if exchange.call.method in ("token", "web_api_key_token"):
        return f"HTTP {exchange.status} with {len(exchange.content)} bytes that are not JSON"
    text = exchange.content.decode("utf-8", "replace")
    token = exchange.call.parameters.get("token")
    if isinstance(token, str) and token:
        text = text.replace(token, "…")
    return f"HTTP {exchange.status}: {text[:80]!r}"
