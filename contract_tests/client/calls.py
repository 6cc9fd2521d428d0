"""Build requests: the parameters of a method, written as the documents' examples write them."""

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

#: Of a request with a body.
JSON = (("Content-Type", "application/json"),)


def written(value: Any) -> str:
    """Write a value for a query: an identifier as ``field=value``, everything else as text.

    The ``=`` behind a field stands as it is, as in the documents' examples: whether a server takes
    it encoded is shown nowhere.
    """
    if isinstance(value, Mapping):
        return ",".join(f"{_quoted(n)}={_quoted(_plain(v))}" for n, v in value.items())
    return _quoted(_plain(value))


#: Tokens and ids are written over and over. One with half a character goes back as it came.
_quoted = lru_cache(maxsize=2048)(partial(quote, safe="", errors="surrogatepass"))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def query(parameters: Mapping[str, Any]) -> str:
    """Write parameters as a query string, in their order."""
    return "&".join(f"{name}={written(value)}" for name, value in parameters.items())


def build(method: Method, parameters: Mapping[str, Any]) -> Call:
    """Build a call of ``method``: parameters in the query of a GET, in the JSON body of a POST.

    Args:
        method: which method of the API.
        parameters: every parameter by name, the token among them; identifiers as mappings.
    """
    if method.verb == "GET":
        return Call(method.name, "GET", method.path, query(parameters), parameters=parameters)
    body = json.dumps(parameters, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Call(method.name, "POST", method.path, "", body, JSON, parameters)


def with_token(call: Call, token: str) -> Call:
    """Return a request with another token instead of the one that it was built with."""
    before = call.parameters["token"]
    query = call.query.replace(f"token={written(before)}", f"token={written(token)}", 1)
    body = call.body
    if body is not None:
        body = body.replace(json.dumps(before).encode(), json.dumps(token).encode(), 1)
    return replace(call, query=query, body=body, parameters={**call.parameters, "token": token})


def key_login(
    method: Method, text: str, unit: str | None = None, written: str = "Basic {}"
) -> Call:
    """Build a login with what HTTP Basic authentication encodes: a Web API key and a colon."""
    call = build(method, {} if unit is None else {"unit": unit})
    basic = written.format(base64.b64encode(text.encode()).decode())
    return replace(call, headers=(*call.headers, ("Authorization", basic)))


def changing_method(call: Call) -> str | None:
    """Return which method that changes webhook requests a request may reach, however it is written.

    Any path and verb in which a server might see the method's name counts.
    """
    text = f"{call.method} {call.verb} {unquote(call.path)}".lower()
    return next((name for name in CHANGES if name in text), None)
