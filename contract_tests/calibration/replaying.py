"""Replay the requests of a server to a mock with what was learned of it."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.client.calls import changing_method
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Call, Exchange, token_of
from crmcom_kit.contract_tests.client.targets import DirectMock, Login, MockReply
from crmcom_kit.schemas.profile import Profile

#: Two changes of a run are less than so many seconds apart. A date beyond is none of a change.
MAX_PASSED = 600
#: The outcome of a refused resend; the profile's effects decide the rest.
_UNKNOWN_FAILURE: Mapping[str, Any] = {"error_code": "", "error_description": None}


class Cache:
    """What does not change when the same exchanges are replayed again."""

    def __init__(self) -> None:
        """Have nothing yet."""
        self.calls: dict[tuple[int, int], Call] = {}  # requests, by number and tokens
        self.failures: dict[int, Mapping[str, Any] | None] = {}  # errors of deliveries, by number


class MockReplayer:
    """Replays the requests of a server to a mock with a profile, with tokens of the mock."""

    def __init__(
        self, profile: Profile, login: Login, began: datetime, cache: Cache | None = None
    ) -> None:
        """Serve ``profile`` to ``login`` from ``began`` on.

        Replayers of the same exchanges share a ``cache``.
        """
        self._mock = DirectMock(profile, login, began)
        self._login, self._cache = login, cache or Cache()
        self._tokens: dict[str, str] = {}  # the server's token -> the mock's token
        self._records: dict[Any, Record] = {}  # webhook requests as the server showed them last
        self._change_date: datetime | None = None  # when the server last changed one, by its clock
        self._ahead = 0.0  # seconds that the mock's clock is ahead of that

    def respond(self, exchange: Exchange) -> Exchange:
        """Return the mock's exchange for an exchange of the server."""
        return exchange_of(exchange, self.reply(exchange))

    def reply(self, exchange: Exchange) -> MockReply:
        """Return the mock's response to the request of an exchange."""
        key = exchange.number, hash(tuple(self._tokens.values()))
        calls = self._cache.calls
        if key not in calls:
            calls[key] = self._translated(exchange.call)
        reply = self._reply(exchange, calls[key])
        if exchange.call.method in LOGINS:
            token, mock_token = token_of(exchange), token_of(exchange_of(exchange, reply))
            if token is not None and mock_token is not None:
                self._tokens[token] = mock_token
        return reply

    def _translated(self, call: Call) -> Call:
        """Return a request with tokens of the mock."""
        query, body, headers = call.query, call.body, call.headers
        # The longest first: redacted ones, such as $CRMCOM_TOKEN_2, begin with one another.
        for token in sorted(self._tokens, key=len, reverse=True):
            replacement = self._tokens[token]
            for form in (quote(token, safe=""), token):
                query = query.replace(form, quote(replacement, safe=""))
            if body is not None and token.encode() in body:
                body = body.replace(token.encode(), replacement.encode())
            if any(token in value for _, value in headers):
                headers = tuple(
                    (name, value.replace(token, replacement)) for name, value in headers
                )
        if (query, body, headers) == (call.query, call.body, call.headers):
            return call
        return replace(call, query=query, body=body, headers=headers)

    def _reply(self, exchange: Exchange, call: Call) -> MockReply:
        if exchange.ok and call.method in LOGINS:
            call = self._with_right_login(call)
        failures = self._cache.failures
        if exchange.number not in failures:
            failures[exchange.number] = self._failure(exchange)
            if "fields_set" not in call.parameters:
                self._records |= exchange.by_id
        if changing_method(call) is not None:
            self._mock.advance(self._passed(exchange))
            self._mock.delivery_error = failures[exchange.number]
        return self._mock.call(call)

    def _with_right_login(self, call: Call) -> Call:
        """Return a login that the server served, with a password or key that the mock accepts.

        A recording has no passwords and keys.
        """
        credentials = self._mock.credentials
        if call.method == "token" and self._login.password is None:
            names = ("username", "password", "organisation")
            parameters = {**call.parameters, **{name: getattr(credentials, name) for name in names}}
            return replace(call, body=json.dumps(parameters).encode())
        if call.method == "web_api_key_token" and self._login.api_key is None:
            encoded_key = b64encode(f"{credentials.api_key}:".encode()).decode()
            headers = [header for header in call.headers if header[0].lower() != "authorization"]
            return replace(call, headers=(*headers, ("Authorization", f"Basic {encoded_key}")))
        return call

    def _passed(self, exchange: Exchange) -> float:
        """Return the number of seconds since the previous change, by the server's dates.

        So records that the server changed in the same second have the same date here, too. A resend
        without a date counts for the duration of its response, but for one second at most. The next
        change with a date then counts for less.
        """
        date, last_change = _updated_date(exchange), self._change_date
        if date is None or (last_change is not None and date < last_change):
            is_delete = last_change is not None and exchange.call.method == "delete"
            seconds = 0 if is_delete else min(1.0, exchange.seconds or 1.0)
            self._ahead += seconds
            return seconds
        self._change_date = date
        gap = MAX_PASSED if last_change is None else (date - last_change).total_seconds()
        ahead, self._ahead = self._ahead, 0.0
        return max(0, gap - ahead) if gap < MAX_PASSED else 1

    def _failure(self, exchange: Exchange) -> Mapping[str, Any] | None:
        """Return the error of a resend's delivery, as the response shows it; None if it succeeded.

        An unchanged webhook request may be sent later: that counts as a success.
        """
        data = exchange.data
        if not exchange.ok:
            return _UNKNOWN_FAILURE
        if not isinstance(data, Mapping) or data.get("life_cycle_state") != "REJECTED":
            return None
        if data in self._records.values():
            return None
        return {
            "error_code": data.get("error_code") or "",
            "error_description": data.get("error_description"),
        }


def _updated_date(exchange: Exchange) -> datetime | None:
    """Return the updated_date of the webhook request in a response; None if there is none."""
    log = exchange.data.get("log_information") if isinstance(exchange.data, dict) else None
    try:
        return datetime.fromisoformat(log["updated_date"]).replace(tzinfo=None)  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        return None


def exchange_of(exchange: Exchange, reply: MockReply) -> Exchange:
    """Return the exchange of a mock's response."""
    return Exchange(exchange.number, exchange.call, reply.status, reply.headers, reply.content, 0.0)
