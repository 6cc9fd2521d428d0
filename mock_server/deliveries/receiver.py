"""The built-in receiver of webhook requests: its responses, its requests, verdicts on them."""

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

#: Maximum bytes to keep of a body, and of each text in its verdict.
MAX_BODY = 65_536
#: Maximum number of requests to keep.
MAX_KEPT = 100

Reason = Literal["valid", "missing_code", "wrong_code", "no_key", "no_data"]


class Verdict(NamedTuple):
    """The verdict on an authentication code, with the reason."""

    reason: Reason
    code: str | None  # the code that was checked; only the beginning of a long code
    expected: str | None = None  # the correct code, if only one key can be the key
    signed: str | None = None  # the beginning of the text that the correct code signs
    size: int | None = None  # the bytes of the signed text

    @property
    def valid(self) -> bool:
        """True if the code verifies."""
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
    attempt: int | None  # the attempt of this world that sent it, if any
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
        self._requests: deque[Received] = deque(maxlen=MAX_KEPT)
        #: The number of requests so far, including those no longer kept.
        self.last = 0
        self.respond_with(())

    def respond_with(self, statuses: Iterable[int]) -> None:
        """Set the statuses of the next responses; an empty list means 200."""
        with self._lock:
            #: The statuses of its responses, in order; the last one repeats.
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
            request = Received(
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
            self._requests.append(request)
            return request.status

    def requests(self) -> list[Received]:
        """Return the requests that are still kept, oldest first."""
        with self._lock:
            return list(self._requests)


def verdict_on(
    exchanges: Exchanges,
    reference_data: ReferenceData,
    headers: Mapping[str, str],
    body: bytes,
    definition: str | None,
) -> Verdict:
    """Return the verdict on a message's authentication code.

    Args:
        exchanges: reads messages in a dialect.
        reference_data: has the keys.
        headers: by name.
        body: as it was received.
        definition: the id of the definition whose key must be used; None for any key.
    """
    headers_by_name = {name.lower(): value for name, value in headers.items()}
    message = exchanges.messages.read(headers_by_name, body)
    code = None if message.code is None else message.code[:MAX_BODY]
    if message.data is None:
        return Verdict("no_data", code)
    text = exchanges.signed_bytes(message.data)
    ids = (
        [value["id"] for value in reference_data.definitions]
        if definition is None
        else [definition]
    )
    keys = {reference_data.key_of(definition_id) for definition_id in ids} - {None}
    codes = [exchanges.code(text, key, None) or "" for key in keys]
    expected = codes[0] if len(codes) == 1 else None
    reason: Reason = "wrong_code"
    if not keys:
        reason = "no_key"
    elif message.code is None:
        reason = "missing_code"
    elif any(_are_equal(message.code, code) for code in codes):
        reason, expected = "valid", message.code
    beginning = text[:MAX_BODY].decode("utf-8", "replace")
    return Verdict(reason, code, expected, beginning, len(text))


def _are_equal(code: str, correct_code: str) -> bool:
    return hmac.compare_digest(code.encode("utf-8", "replace"), correct_code.encode())
