"""Send what a server got to another server, or to a mock with what was learned of it."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.client.calls import changing_method
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Call, Exchange, token_of
from crmcom_kit.contract_tests.targets import DirectMock, Login
from crmcom_kit.schemas.profile import Profile


class Follower:
    """Sends each request that a server got to another one, with that one's own tokens."""

    def __init__(self, send: Callable[[Exchange, Call], Exchange]) -> None:
        """Send with ``send``, which also gets the exchange that is followed."""
        self._send = send
        self._tokens: dict[str, str] = {}  # the server's -> the other's

    def respond(self, exchange: Exchange) -> Exchange:
        """Return the other's exchange for one of the server's."""
        own = self._send(exchange, self._translated(exchange.call))
        if exchange.call.method in LOGINS:
            self.adopt(token_of(exchange), token_of(own))
        return own

    @property
    def has_tokens(self) -> bool:
        """Whether any login was followed that returned a token."""
        return bool(self._tokens)

    def adopt(self, theirs: str | None, mine: str | None) -> None:
        """Send one token of the other one's in place of a token of the server's."""
        if theirs is not None and mine is not None:
            self._tokens[theirs] = mine

    def _translated(self, call: Call) -> Call:
        """Return a request with the other's tokens in place of the server's."""
        query, body, headers = call.query, call.body, call.headers
        # The longest first: redacted ones, such as $CRMCOM_TOKEN_2, begin with one another.
        for theirs in sorted(self._tokens, key=len, reverse=True):
            mine = self._tokens[theirs]
            for written in (quote(theirs, safe=""), theirs):
                query = query.replace(written, quote(mine, safe=""))
            if body is not None and theirs.encode() in body:
                body = body.replace(theirs.encode(), mine.encode())
            if any(theirs in value for _, value in headers):
                headers = tuple((name, value.replace(theirs, mine)) for name, value in headers)
        if (query, body, headers) == (call.query, call.body, call.headers):
            return call
        return replace(call, query=query, body=body, headers=headers)


class MockFollower(Follower):
    """A mock with a profile that follows a server."""

    def __init__(self, profile: Profile, login: Login, began: datetime) -> None:
        """Serve ``profile`` to ``login`` from ``began`` on."""
        super().__init__(self._call)
        self._mock = DirectMock(profile, login, began)
        self._login = login
        self._seen: dict[Any, Record] = {}  # webhook requests as the server showed them last

    def _call(self, exchange: Exchange, call: Call) -> Exchange:
        if exchange.ok and call.method in LOGINS:
            call = self._with_right_login(call)
        if changing_method(call) is not None:
            self._mock.advance(1)  # so that what is changed later is newer
            self._mock.outcome = self._failure(exchange)
        if "fields_set" not in call.parameters:
            self._seen |= exchange.by_id
        status, headers, body = self._mock.call(call)
        return Exchange(exchange.number, exchange.call, status, headers, body, 0.0)

    def _with_right_login(self, call: Call) -> Call:
        """Return a login that the server has served with what the mock accepts.

        A recording has no passwords and keys: the run does not know which ones are right.
        """
        right = self._mock.credentials
        if call.method == "token" and self._login.password is None:
            names = ("username", "password", "organisation")
            given = {**call.parameters, **{name: getattr(right, name) for name in names}}
            return replace(call, body=json.dumps(given).encode())
        if call.method == "web_api_key_token" and self._login.api_key is None:
            coded = b64encode(f"{right.api_key}:".encode()).decode()
            headers = [each for each in call.headers if each[0].lower() != "authorization"]
            return replace(call, headers=(*headers, ("Authorization", f"Basic {coded}")))
        return call

    def _failure(self, exchange: Exchange) -> Mapping[str, Any] | None:
        """Return the error that a resend ended with, as far as the response tells; else None.

        A webhook request that is as it was may be sent later: then it is taken for delivered.
        """
        data = exchange.data
        if not exchange.ok:
            return {"error_code": "FAILED", "error_description": None}
        if not isinstance(data, Mapping) or data.get("life_cycle_state") != "REJECTED":
            return None
        if data in self._seen.values():
            return None
        return {
            "error_code": data.get("error_code") or "FAILED",
            "error_description": data.get("error_description"),
        }
