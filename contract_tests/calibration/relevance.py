"""Which exchanges a dial may affect: another value changes no response to other requests."""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from crmcom_kit.contract_tests.client.exchanges import Exchange

Matcher = Callable[[Exchange], bool]
_JSON_NAME = re.compile(rb'"([^"\\]+)"\s*:')


def matcher_of(dial: str) -> Matcher:
    """Return the function that decides whether a dial may affect an exchange."""
    return next(
        (matcher for prefix, matcher in _MATCHERS if dial.startswith(prefix)), lambda _: True
    )


def _has(*words: str) -> Matcher:
    """Return the function that matches requests with one of some words."""

    def matches(exchange: Exchange) -> bool:
        call = exchange.call
        text = f"{call.path}?{call.query} {(call.body or b'').decode('utf-8', 'replace')}"
        return any(word in text for word in words)

    return matches


def _repeats(exchange: Exchange) -> bool:
    """Return whether a request has a name more than once."""
    call = exchange.call
    names = [name for name, _ in parse_qsl(call.query, keep_blank_values=True)]
    return any(len({*keys}) < len(keys) for keys in (names, _JSON_NAME.findall(call.body or b"")))


#: The first prefix that fits a dial counts; a dial with none may affect any request.
_MATCHERS: tuple[tuple[str, Matcher], ...] = (
    ("list.url.", _has("url=")), ("list.created_date.", _has("created_date=")),
    ("list.entity_id_alone", _has("entity_id=")), ("list.unknown_reference", _has("_identifier=")),
    ("list.combine", _has("entity_id=", "_identifier=")), ("list.comma_lists", _has("%2C", ",")),
    ("list.", _has("/list")),
    ("paging.default_results", _has("/list")), ("paging.", _has("number_of_results=", "offset=")),
    ("fields_set.", _has("fields_set")),
    ("identifiers.repeated", _repeats), ("identifiers.", _has("_identifier")),
    ("login.", _has("authentication/")), ("envelope.login_empty_text", _has("authentication/")),
    ("tokens.hour_before_r12", lambda _: False),  # so much time passes in no replay
    ("requests.repeated_parameters", _repeats),
    ("requests.query_on_post", lambda e: e.call.verb == "POST" and bool(e.call.query)),
    ("requests.body_on_get", lambda e: e.call.verb == "GET" and bool(e.call.body)),
    ("requests.token_in_header", lambda e: "authorization" in str(e.call.headers).lower()),
    ("requests.rewardoffers_since", _has("REWARDOFFERS")),
    ("errors.token_first", lambda _: True), ("errors.", lambda e: not e.ok),
    ("resend.failed", _has("/resend")),
)  # fmt: skip
