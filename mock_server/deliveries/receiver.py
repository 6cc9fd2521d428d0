"""The built-in receiver of webhook requests: its responses, what it got, and verdicts on that."""

import hmac
import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat
from typing import Any, Literal, NamedTuple

from crmcom_kit.mock_server.clock import WorldClock
from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.store.reference_data import ReferenceData
from crmcom_kit.schemas.exchanges import Exchanges

#: How many bytes are kept of a body, and of each text in its verdict.
MAX_BODY = 65_536
#: How many requests are kept.
MAX_KEPT = 100

Reason = Literal["valid", "missing_code", "wrong_code", "no_key", "no_data"]


class Verdict(NamedTuple):
    """Whether an authentication code verifies, and if not, why not."""

    reason: Reason
    code: str | None  # the code that was checked; only the beginning of a long code
    expected: str | None = None  # the right code, if only one key can be meant
    signed: str | None = None  # the beginning of the text that the right code signs
    size: int | None = None  # how many bytes the signed text has

    @property
    def valid(self) -> bool:
        """Whether the code verifies."""
        return self.reason == "valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request that the receiver got."""

    number: int  # counted from 1
    at: datetime  # of the world's clock
    method: str
    headers: dict[str, str]
    body: bytes  # only the beginning of a very long body
    size: int  # of the complete body
    status: int  # of the response to it
    attempt: int | None  # which attempt of this world sent the request, if any did
    signature: Verdict  # on the complete body

    @property
    def json(self) -> Any:
        """The body as a JSON value. Raises ValueError if it is not JSON, or only its beginning."""
        return json.loads(self.body)


class Receiver:
    """The receiver of one world."""

    def __init__(self, clock: WorldClock) -> None:
        """Start with status 200 for every request, and without requests."""
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: deque[Received] = deque(maxlen=MAX_KEPT)
        #: How many requests arrived, including requests that are no longer kept.
        self.last = 0
        self.respond_with(())

    def respond_with(self, statuses: Iterable[int]) -> None:
        """Respond with these statuses from now on, from the first one; without any, 200."""
        with self._lock:
            #: The statuses of its responses, one after another; the last one forever.
            self.statuses = tuple(statuses) or (200,)
            self._next = chain(self.statuses, repeat(self.statuses[-1]))

    def take(
        self,
        method: str,
        headers: dict[str, str],
        body: bytes,
        signature: Verdict,
        attempt: Attempt | None,
    ) -> int:
        """Keep a request and return the status of the response."""
        with self._lock:
            self.last += 1
            received = Received(
                number=self.last,
                at=self._clock.now(),
                method=method,
                headers=headers,
                body=body[:MAX_BODY],
                size=len(body),
                status=next(self._next),
                attempt=None if attempt is None else attempt.number,
                signature=signature,
            )
            self._kept.append(received)
            return received.status

    def requests(self) -> list[Received]:
        """Return the requests that are still kept, oldest first."""
        with self._lock:
            return list(self._kept)


def verdict_on(
    exchanges: Exchanges,
    reference_data: ReferenceData,
    headers: Mapping[str, str],
    body: bytes,
    definition: str | None,
) -> Verdict:
    """Return whether a message's authentication code verifies.

    Args:
        exchanges: reads messages in a dialect.
        reference_data: where the keys are.
        headers: by name.
        body: as it was received.
        definition: the id of the one whose key is right; None if any key is.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    message = exchanges.messages.read(lower, body)
    shown = None if message.code is None else message.code[:MAX_BODY]
    if message.data is None:
        return Verdict("no_data", shown)
    text = exchanges.signed_bytes(message.data)
    ids = (
        [value["id"] for value in reference_data.definitions]
        if definition is None
        else [definition]
    )
    keys = {reference_data.key_of(definition_id) for definition_id in ids} - {None}
    right = [exchanges.code(text, key, None) or "" for key in keys]
    expected = right[0] if len(right) == 1 else None
    reason: Reason = "wrong_code"
    if not keys:
        reason = "no_key"
    elif message.code is None:
        reason = "missing_code"
    elif any(_same(message.code, code) for code in right):
        reason, expected = "valid", message.code
    beginning = text[:MAX_BODY].decode("utf-8", "replace")
    return Verdict(reason, shown, expected, beginning, len(text))


def _same(code: str, right: str) -> bool:
    return hmac.compare_digest(code.encode("utf-8", "replace"), right.encode())
