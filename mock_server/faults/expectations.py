"""The refusals that a test expects, and the requests that it does not expect.

A refusal counts for the oldest expectation that it fits and that is not met yet. A reset of the
world starts again without expectations.
"""

import threading
from dataclasses import dataclass
from typing import Any

from crmcom_kit.mock_server.faults.matching import RequestView
from crmcom_kit.mock_server.faults.validation import as_tuple, parse
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.schemas.possible import WITH_RECORD, check_errors, check_operations
from crmcom_kit.usage_errors import LimitExceeded

MAX_EXPECTATIONS = 1_000
_MAX_KEPT = 20  # texts of unexpected requests


@dataclass(slots=True, kw_only=True)
class ExpectedRefusal:
    """Refusals that a test expects, and their number so far."""

    operations: tuple[str, ...]  # any by default
    record: str | None  # number or id of the webhook request that they name
    errors: tuple[str, ...]  # kinds of errors; any by default
    times: int | None  # None for at least one
    #: The number so far.
    count: int = 0

    @property
    def has_come(self) -> bool:
        """True if the expected number came."""
        return self.count > 0 if self.times is None else self.count == self.times

    def fits(self, view: RequestView, error: VendorError) -> bool:
        """Return True if it expects this kind of refusal, in any number."""
        kinds = {error.kind, error.response_kind}  # a special kind is one of its general kind, too
        is_kind = not self.errors or not kinds.isdisjoint(self.errors)
        return is_kind and view.is_about(self.operations, self.record)

    def __str__(self) -> str:
        record = f" of {self.record}" if self.record else ""
        kinds = f" for {' or '.join(self.errors)}" if self.errors else ""
        times = "at least once" if self.times is None else f"exactly {self.times}"
        return f"{' or '.join(self.operations) or 'any request'}{record}{kinds}, {times}"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON for the control API."""
        members = {
            "operation": list(self.operations),
            "record": self.record,
            "error": list(self.errors),
            "times": self.times,
        }
        return {**{n: v for n, v in members.items() if v}, "count": self.count, "ok": self.has_come}


class Expectations:
    """The expectations of one world."""

    def __init__(self) -> None:
        """Expect no refusal."""
        self._lock = threading.Lock()
        self._expected: list[ExpectedRefusal] = []
        self._unexpected: list[str] = []  # they may quote requests
        self._count = 0

    def expect(self, spec: object) -> ExpectedRefusal:
        """Expect refusals from now on; ``spec`` fits the type ``specification.RefusalSpec``.

        Raises:
            UsageError: it is not allowed.
            LimitExceeded: the world has the maximum number.
        """
        members = parse(spec, "RefusalSpec", root="refusal")
        refusal = ExpectedRefusal(
            operations=as_tuple(members.get("operation", [])),
            record=str(members["record"]) if "record" in members else None,
            errors=as_tuple(members.get("error", [])),
            times=members.get("times"),
        )
        if refusal.record is not None:
            operations = refusal.operations
            check_operations("operation", operations, WITH_RECORD, "names a webhook request")
        check_errors("error", refusal.errors, refusal.operations)
        with self._lock:
            if len(self._expected) >= MAX_EXPECTATIONS:
                allowed = f"at most {MAX_EXPECTATIONS:,} in a world"
                raise LimitExceeded("refusal", seen="one more", allowed=allowed)
            self._expected.append(refusal)
        return refusal

    @property
    def expected(self) -> tuple[ExpectedRefusal, ...]:
        """The expected refusals, oldest first."""
        with self._lock:
            return tuple(self._expected)

    def never_came(self) -> list[ExpectedRefusal]:
        """Return the expected refusals that came too often or not often enough."""
        return [refusal for refusal in self.expected if not refusal.has_come]

    def unexpected(self) -> tuple[int, list[str]]:
        """Return the number of unexpected requests, and the texts of the first ones."""
        with self._lock:
            return self._count, list(self._unexpected)

    def pop_unexpected(self) -> list[str]:
        """Return the texts of the first unexpected requests, and forget all."""
        with self._lock:
            texts, self._unexpected, self._count = self._unexpected, [], 0
        return texts

    def is_expected(self, view: RequestView, error: VendorError) -> bool:
        """Count a refusal; return True if it is expected."""
        candidates = [refusal for refusal in self.expected if refusal.fits(view, error)]
        with self._lock:
            for refusal in candidates:
                if refusal.times is None or refusal.count < refusal.times:
                    refusal.count += 1
                    return True
        return False

    def add_unexpected(self, text: str) -> None:
        """Keep the text of an unexpected refusal or a warning."""
        with self._lock:
            self._count += 1
            if len(self._unexpected) < _MAX_KEPT:
                self._unexpected.append(text)
