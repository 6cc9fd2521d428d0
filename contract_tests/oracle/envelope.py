"""Check the envelope: the JSON around every response, of a success and of an error."""

from collections.abc import Iterator
from typing import Any

from crmcom_kit.contract_tests.client.exchanges import NOT_JSON, Exchange
from crmcom_kit.contract_tests.findings import shortened
from crmcom_kit.contract_tests.oracle.expectations import TRAILING_SLASH, Expectation, Must
from crmcom_kit.contract_tests.oracle.sense import FIELDS, RECORD_METHODS
from crmcom_kit.contract_tests.oracle.suspicions import Seen, at_once

#: A gateway in front of the API says with these that it cannot be reached: no response of its own.
_OUTAGES = (502, 503, 504)
_TEXTS = ("message", "description")


def check(exchange: Exchange, expected: Expectation) -> Iterator[Seen]:
    """Check envelope.* and errors.*, as far as one response tells."""
    if exchange.json is NOT_JSON:
        if exchange.status not in _OUTAGES:
            refused = exchange.status >= 400 or expected.must is Must.REFUSE
            statement = "errors.json" if refused else "envelope.json"
            if expected.statement == TRAILING_SLASH:  # whose refusal is wrong, whatever its form
                statement = TRAILING_SLASH
            yield at_once(exchange, statement, "JSON", _seen(exchange))
        return
    yield "envelope.json"
    lack = _lack(exchange.json)
    if lack:
        wanted = "an object with a status that has code, message and description"
        yield at_once(exchange, "envelope.status", wanted, lack)
        return
    yield "envelope.status"
    yield from _texts(exchange)
    if exchange.ok:
        yield "envelope.code_ok"
        yield from _data(exchange, expected.sense.name)
    else:
        yield from _code_of_error(exchange, expected.sense.name)


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


def _texts(exchange: Exchange) -> Iterator[Seen]:
    for name in _TEXTS:
        value = exchange.envelope["status"][name]
        if value is not None and not isinstance(value, str):
            yield at_once(
                exchange,
                "envelope.status_texts",
                f"{name} as a string or null",
                f"{name} is {shortened(repr(value))}",
            )
            return
    yield "envelope.status_texts"


def _code_of_error(exchange: Exchange, method: str) -> Iterator[Seen]:
    """Check the code of a request that was not served: another string than OK."""
    code = exchange.code
    if code != "OK" and exchange.status < 400 and _has_result(exchange, method):
        seen = f"code {shortened(repr(code))}"
        wanted = "code OK, since the response has a result"
        yield at_once(exchange, "envelope.code_ok", wanted, seen)
    elif code == "OK" or not code or not isinstance(code, str):
        yield at_once(
            exchange,
            "errors.code_not_ok",
            "a string other than OK as the code of an error",
            f"HTTP {exchange.status}, code {shortened(repr(code))}, "
            f"message {shortened(repr(exchange.message))}",
        )
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


def _data(exchange: Exchange, method: str) -> Iterator[Seen]:
    """Check whether data has the form that the method's data has."""
    data = exchange.data
    if method in RECORD_METHODS:
        if isinstance(data, dict):
            yield from ("envelope.data_object", f"{method}.single_result")
        elif isinstance(data, list) and len(data) > 1:
            wanted, seen = "one webhook request", f"an array of {len(data)}"
            yield at_once(exchange, f"{method}.single_result", wanted, seen)
        else:
            seen = _kind(data) if "data" in exchange.envelope else "no data"
            wanted = "one object, the webhook request, as data"
            yield at_once(exchange, "envelope.data_object", wanted, seen)
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
            yield at_once(exchange, "envelope.data_array", wanted, seen)


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
