"""Check the envelope: the JSON object around the data of every response."""

import re
from collections.abc import Iterator

from crmcom_kit.contract_tests.client.exchanges import LOGINS, NOT_JSON, OUTAGES, Exchange
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.oracle.expectations import Expectation, Must
from crmcom_kit.contract_tests.oracle.parsing import FIELDS, RECORD_METHODS
from crmcom_kit.contract_tests.oracle.suspicions import Finding, Flaw, Held, finding, held
from crmcom_kit.usage_errors import json_type

_TEXTS = ("message", "description")
#: Content too large, URI too long, header fields too large.
_OF_HTTP = (413, 414, 431)
#: A path and query as RFC 3986 allows them.
_PLAIN_URL = re.compile(r"(?:[\w.~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*", re.ASCII)


def check(exchange: Exchange, expectation: Expectation) -> Iterator[Finding]:
    """Check envelope.* and errors.*, as far as one response shows."""
    if exchange.call.path.endswith("/") and not exchange.ok:
        return  # something in front of the API may respond to such a path
    if exchange.json is NOT_JSON:
        if exchange.status not in OUTAGES and not is_of_http(exchange):
            is_refusal = exchange.status >= 400 or expectation.must is Must.REFUSE
            statement = "errors.json" if is_refusal else "envelope.json"
            yield Flaw(statement, "JSON", _beginning(exchange))
        return
    yield Held("envelope.json")
    defect = lacking(exchange)
    expected = "an object with a status that has code, message and description"
    yield finding("envelope.status", holds=not defect, expected=expected, seen=defect)
    if defect:
        return
    yield _texts(exchange)
    if exchange.ok:
        yield Held("envelope.code_ok")
        yield from _data(exchange, expectation.request.name)
    else:
        yield from _code_of_error(exchange, expectation.request.name)


def is_of_http(exchange: Exchange) -> bool:
    """Return whether a response looks like one of the web server in front of the API.

    Only the API's own responses are documented to be JSON. A 400 is the API's, unless the request
    breaks a rule of HTTP or of URLs.
    """
    if exchange.json is not NOT_JSON:
        return False
    call = exchange.call
    is_plain = _PLAIN_URL.fullmatch(f"{call.path}?{call.query}") is not None
    is_plain = is_plain and not (call.verb == "GET" and call.body)
    return exchange.status in _OF_HTTP or (exchange.status == 400 and not is_plain)


def is_readable(exchange: Exchange) -> bool:
    """Return whether a response has a complete envelope."""
    return not lacking(exchange)


def lacking(exchange: Exchange) -> str:
    """Return what the envelope of a response lacks, in words; an empty string if nothing."""
    body = exchange.json
    if body is NOT_JSON:
        return "no JSON"
    if not isinstance(body, dict):
        return f"{json_type(body)} instead of an object"
    if "status" not in body:
        return "no status object"
    status = body["status"]
    if not isinstance(status, dict):
        return f"a status that is {json_type(status)}"
    missing = [name for name in ("code", *_TEXTS) if name not in status]
    return f"a status without {' and '.join(missing)}" if missing else ""


def _texts(exchange: Exchange) -> Finding:
    texts = {name: exchange.envelope["status"][name] for name in _TEXTS}
    wrong_names = [
        name for name, text in texts.items() if not (text is None or isinstance(text, str))
    ]
    return finding(
        "envelope.status_texts",
        holds=not wrong_names,
        expected=f"{' and '.join(wrong_names)} as a string or null",
        seen=", ".join(f"{name} is {shortened(repr(texts[name]))}" for name in wrong_names),
    )


def _code_of_error(exchange: Exchange, method: str) -> Iterator[Finding]:
    """Check that the code of an error is a string other than OK."""
    code = exchange.code
    if code != "OK" and exchange.status < 400 and _has_result(exchange, method):
        expected = "code OK, since the response has a result"
        yield Flaw("envelope.code_ok", expected, f"code {shortened(repr(code))}")
    elif code == "OK" or not code or not isinstance(code, str):
        expected = "a string other than OK as the code of an error"
        seen = f"code {shortened(repr(code))}, message {shortened(repr(exchange.message))}"
        yield Flaw("errors.code_not_ok", expected, f"HTTP {exchange.status}, {seen}")
    else:
        yield from held("errors.json", "errors.code_not_ok")


def _has_result(exchange: Exchange, method: str) -> bool:
    """Return whether a response has what a success has: fields of a webhook request, or a token."""
    data = exchange.data
    result = data[0] if isinstance(data, list) and data else data
    if not isinstance(result, dict):
        return False
    if method == "resend" and result.get("life_cycle_state") != "SUCCESSFUL":
        return False  # a failed delivery may be reported as an error with the record
    return not {"token", *FIELDS}.isdisjoint(result)


def _data(exchange: Exchange, method: str) -> Iterator[Finding]:
    """Check that data has the form that the method documents."""
    data = exchange.data
    if method in RECORD_METHODS:
        if isinstance(data, dict):
            yield from held("envelope.data_object", f"{method}.single_result")
        elif isinstance(data, list) and len(data) > 1:
            seen = f"an array of {len(data)}"
            yield Flaw(f"{method}.single_result", "one webhook request", seen)
        else:
            seen = json_type(data) if "data" in exchange.envelope else "no data"
            yield Flaw("envelope.data_object", "one object, the webhook request, as data", seen)
    elif method == "list":
        if isinstance(data, list) and all(isinstance(member, dict) for member in data):
            if data:
                yield Held("envelope.data_array")
        elif data is not None:
            seen = json_type(data)
            if isinstance(data, list):
                wrong_member = next(member for member in data if not isinstance(member, dict))
                seen = f"data with {json_type(wrong_member)}"
            yield Flaw("envelope.data_array", "an array of webhook requests as data", seen)


def _beginning(exchange: Exchange) -> str:
    """Return how a response begins; of a login only its length, since it may hold a token."""
    if exchange.call.method in LOGINS:
        return f"HTTP {exchange.status} with {len(exchange.content)} bytes that are not JSON"
    text = exchange.content.decode("utf-8", "replace")
    token = exchange.call.parameters.get("token")
    if isinstance(token, str) and token:
        text = text.replace(token, "…")
    return f"HTTP {exchange.status}: {text[:80]!r}"
