"""Send what a server got to another server, or to a mock with what was learned of it."""

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
        #: The server's -> how a query has it, and the other's.
        self._tokens: dict[str, tuple[str, str]] = {}

    def respond(self, exchange: Exchange) -> Exchange:
        """Return the other's exchange for one of the server's."""
        own = self._send(exchange, self._translated(exchange.call))
        if exchange.call.method in LOGINS:
            theirs, mine = token_of(exchange), token_of(own)
            if theirs is not None and mine is not None:
                self._tokens[theirs] = quote(theirs, safe=""), mine
        return own

    def _translated(self, call: Call) -> Call:
        """Return a request with the other's tokens in place of the server's."""
        query, body, headers = call.query, call.body, call.headers
        for theirs, (written, mine) in self._tokens.items():
            if theirs in query or written in query:
                query = query.replace(written, mine).replace(theirs, mine)
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
        self._seen: dict[Any, Record] = {}  # webhook requests as the server showed them last

    def _call(self, exchange: Exchange, call: Call) -> Exchange:
        if changing_method(call) is not None:
            self._mock.advance(1)  # so that what is changed later is newer
            self._mock.outcome = self._failure(exchange)
        if "fields_set" not in call.parameters:
            self._seen |= exchange.by_id
        status, headers, body = self._mock.call(call)
        return Exchange(exchange.number, exchange.call, status, headers, body, 0.0)

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
