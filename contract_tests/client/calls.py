"""Build requests: parameters are written as in the examples of the documents."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote, unquote

from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.options.options import CHANGES
from crmcom_kit.schemas.methods import Method

#: The headers of a request with a body.
JSON = (("Content-Type", "application/json"),)


def query_value(value: Any) -> str:
    """Return a value for a query: an identifier as ``field=value``, everything else as text.

    The ``=`` behind a field is not encoded, as in the examples of the documents. They don't show
    whether a server takes it encoded.
    """
    if isinstance(value, Mapping):
        return ",".join(f"{_quoted(key)}={_quoted(_plain(text))}" for key, text in value.items())
    return _quoted(_plain(value))


#: Cached, since tokens and ids recur. Half a surrogate pair is sent as it was received.
_quoted = lru_cache(maxsize=2048)(partial(quote, safe="", errors="surrogatepass"))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def query(parameters: Mapping[str, Any]) -> str:
    """Return parameters as a query string, in their order."""
    return "&".join(f"{name}={query_value(value)}" for name, value in parameters.items())


def build(method: Method, parameters: Mapping[str, Any]) -> Call:
    """Return a request to ``method``: parameters in the query of a GET, in a POST's JSON body.

    Args:
        method: which method of the API.
        parameters: all parameters by name, the token included; identifiers are mappings.
    """
    if method.verb == "GET":
        return Call(method.name, "GET", method.path, query(parameters), parameters=parameters)
    body = json.dumps(parameters, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Call(method.name, "POST", method.path, "", body, JSON, parameters)


def with_token(call: Call, token: str) -> Call:
    """Return a request with another token than the one that it was built with."""
    before = call.parameters["token"]
    new_query = call.query.replace(f"token={query_value(before)}", f"token={query_value(token)}", 1)
    body = call.body
    if body is not None:
        body = body.replace(json.dumps(before).encode(), json.dumps(token).encode(), 1)
    return replace(call, query=new_query, body=body, parameters={**call.parameters, "token": token})


def key_login(
    method: Method, text: str, unit: str | None = None, header_form: str = "Basic {}"
) -> Call:
    """Return a login with the text of HTTP Basic authentication: a Web API key and a colon."""
    call = build(method, {} if unit is None else {"unit": unit})
    basic = header_form.format(base64.b64encode(text.encode()).decode())
    return replace(call, headers=(*call.headers, ("Authorization", basic)))


def changing_method(call: Call) -> str | None:
    """Return the changing method that a request may reach, however it is written; or None.

    Any path and verb counts in which a server might see the method's name.
    """
    text = f"{call.method} {call.verb} {unquote(call.path)}".lower()
    return next((name for name in CHANGES if name in text), None)
