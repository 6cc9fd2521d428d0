"""Check the envelope: the JSON around every response, of a success and of an error."""

from collections.abc import Iterator
from typing import Any

from crmcom_kit.contract_tests.client.exchanges import NOT_JSON, Call, Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.session import Session, shortened
from crmcom_kit.schemas.loader import schema_names, validator
from crmcom_kit.schemas.methods import response_fields

#: A gateway in front of the API says with these that it cannot be reached: no answer of its own.
_OUTAGES = (502, 503, 504)

_ONE = ("show", "resend", "delete")  # methods whose data is one webhook request
_TEXTS = ("message", "description")


def check_envelope(exchange: Exchange, session: Session) -> Iterator[str | Violation]:
    """Check envelope.* and errors.*, as far as one answer tells."""
    if exchange.json is NOT_JSON:
        if exchange.status not in _OUTAGES:
            refused = exchange.status >= 400 or surely_refused(exchange.call, session)
            statement = "errors.json" if refused else "envelope.json"
            yield Violation(statement, exchange, expected="JSON", seen=_seen(exchange, session))
        return
    yield "envelope.json"
    lack = _lack(exchange.json)
    if lack:
        expected = "an object with a status that has code, message and description"
        yield Violation("envelope.status", exchange, expected=expected, seen=lack)
        return
    yield "envelope.status"
    yield from _texts(exchange)
    if exchange.ok and not _speaks_of_an_error(exchange, session):
        if exchange.data and isinstance(exchange.message, str):
            _messages_of_success(session).add(exchange.message)
        yield "envelope.code_ok"
        yield from _data(exchange)
    else:
        yield from _code_of_error(exchange)


def sound(exchange: Exchange) -> bool:
    """Whether an answer has an envelope that can be read."""
    return exchange.json is not NOT_JSON and not _lack(exchange.json)


def _lack(answer: Any) -> str:
    """Say what an answer lacks of an envelope; nothing where it lacks nothing."""
    if not isinstance(answer, dict):
        return f"a JSON {type(answer).__name__} instead of an object"
    status = answer.get("status")
    if not isinstance(status, dict):
        return "no status object" if "status" not in answer else f"status {status!r}"
    missing = [name for name in ("code", *_TEXTS) if name not in status]
    return f"a status without {' and '.join(missing)}" if missing else ""


def _texts(exchange: Exchange) -> Iterator[str | Violation]:
    for name in _TEXTS:
        value = exchange.envelope["status"][name]
        if value is not None and not isinstance(value, str):
            yield Violation(
                "envelope.status_texts",
                exchange,
                expected=f"{name} as text or null",
                seen=f"{name} is {shortened(repr(value))}",
            )
            return
    yield "envelope.status_texts"


def _code_of_error(exchange: Exchange) -> Iterator[str | Violation]:
    """Check the code where the call was not served: another text than OK."""
    code = exchange.code
    if code != "OK" and exchange.status < 400 and _has_result(exchange):
        expected, seen = "code OK, since there is a result", f"code {code!r}"
        yield Violation("envelope.code_ok", exchange, expected=expected, seen=seen)
    elif code == "OK" or not code or not isinstance(code, str):
        yield Violation(
            "errors.code_not_ok",
            exchange,
            expected="another text than OK as the code of an error",
            seen=f"HTTP {exchange.status}, code {code!r}, message {exchange.message!r}",
        )
    else:
        yield from ("errors.json", "errors.code_not_ok")
        yield from _message(exchange)


def _message(exchange: Exchange) -> Iterator[str | Violation]:
    if isinstance(exchange.message, str) and exchange.message.strip():
        yield "errors.message"
    elif exchange.message is None or isinstance(exchange.message, str):
        expected, seen = "a message that says what went wrong", f"message {exchange.message!r}"
        yield Violation("errors.message", exchange, expected=expected, seen=seen)


def _has_result(exchange: Exchange) -> bool:
    """Whether data holds what a success has: fields of webhook requests, or a token."""
    data = exchange.data
    first = data[0] if isinstance(data, list) and data else data
    return isinstance(first, dict) and not {"token", *response_fields()}.isdisjoint(first)


def _speaks_of_an_error(exchange: Exchange, session: Session) -> bool:
    """Whether a code OK stands in an error: a call that cannot be served, no data, a message."""
    message = exchange.message
    if not isinstance(message, str) or not message.strip() or exchange.data:
        return False
    return message not in _messages_of_success(session) and surely_refused(exchange.call, session)


def _messages_of_success(session: Session) -> set[str]:
    """Return the messages that stood beside results: they tell of no error."""
    found: set[str] = session.memory.setdefault("messages of success", set())
    return found


def surely_refused(call: Call, session: Session) -> bool:
    """Whether the documents leave a call no way to be served.

    It decides which statement an odd answer breaks, never whether it breaks any.
    """
    schema = f"{call.method}_parameters"
    if not call.parameters or schema not in schema_names():
        return False
    names = call.parameters.get("webhook_request_identifier")
    if isinstance(names, dict) and any(value in NOWHERE.values() for value in names.values()):
        return True
    if "token" not in call.parameters and call.method in ("list", *_ONE):
        return True
    return not validator(schema, "core", session.release.name).is_valid(dict(call.parameters))


#: The id and the number of a webhook request that exists nowhere.
NOWHERE = {"id": "0D15EA5E0D15EA5E0D15EA5E0D15EA5E", "number": "987654321098"}


def _data(exchange: Exchange) -> Iterator[str | Violation]:
    """Check whether data has the form that the method's data has."""
    data, method = exchange.data, exchange.call.method
    if method in _ONE:
        if isinstance(data, dict):
            yield "envelope.data_object"
        elif isinstance(data, list) and len(data) > 1:
            expected, seen = "one webhook request", f"an array of {len(data)}"
            yield Violation(f"{method}.single_result", exchange, expected=expected, seen=seen)
        else:
            seen = _kind(data) if "data" in exchange.envelope else "no data"
            expected = "data as one object, the webhook request"
            yield Violation("envelope.data_object", exchange, expected=expected, seen=seen)
    elif method == "list":
        if isinstance(data, list) and all(isinstance(each, dict) for each in data):
            if data:
                yield "envelope.data_array"
        elif data is not None:
            odd = data
            if isinstance(data, list):
                odd = next(each for each in data if not isinstance(each, dict))
            seen = f"data with {_kind(odd)}" if odd is not data else _kind(data)
            expected = "data as an array of webhook requests"
            yield Violation("envelope.data_array", exchange, expected=expected, seen=seen)


def _kind(value: Any) -> str:
    names = {list: "an array", dict: "an object", str: "a text", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def _seen(exchange: Exchange, session: Session) -> str:
    """Return the beginning of what came, with no token in it."""
    if exchange.call.method in ("token", "web_api_key_token"):
        return f"HTTP {exchange.status} with {len(exchange.content)} bytes that are no JSON"
    text = exchange.content.decode("utf-8", "replace")
    if session.token:
        text = text.replace(session.token, "…")
    return f"HTTP {exchange.status}: {text[:80]!r}"
