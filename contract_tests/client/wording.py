"""The wording of messages: numbers, long texts, and what a response was."""

import re
from typing import Any

from crmcom_kit.contract_tests.client.exchanges import NO_RESPONSE, Exchange

#: What differs between violations of one cause: quoted texts, and words with a digit.
_VALUE = re.compile(r"""'[^']*'|"[^"]*"|(?<!HTTP )\b\w*\d\w*""")


def shape_of(text: str) -> str:
    """Return ``text`` without what differs between findings of one cause."""
    return _VALUE.sub("*", text)


def outcome(exchange: Exchange) -> str:
    """Say in a few words what a response was."""
    if exchange.ok:
        return "OK"
    if exchange.status == NO_RESPONSE:
        return "no response"
    if not exchange.envelope:
        return f"HTTP {exchange.status} without an envelope"
    return refused_with(exchange.status, exchange.code)


def refused_with(status: int, code: Any) -> str:
    """Say what status and code a refusal has."""
    return f"HTTP {status}, " + ("no code" if code is None else f"code {shortened(str(code))}")


def never_served(method: str, count: int, last_outcome: str) -> str:
    """Say how often a method was sent and never served, and what the last response was."""
    times = "once" if count == 1 else f"{count} times"
    return f"{method} was sent {times} and never served (last: {last_outcome})"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 request" or "7 requests"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shortened(text: str, limit: int = 200) -> str:
    """Return ``text``, cut to ``limit`` characters."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
