"""Which refusals a test expects, and what came that it does not expect.

A refusal is expected by the first expectation, in the order in which they were added, that it fits
and that expects more. Everything here is from one reset of a world to the next.
"""

import threading
from dataclasses import dataclass
from typing import Any

from crmcom_kit.mock_server.faults.matching import RequestView
from crmcom_kit.mock_server.faults.validation import WITH_RECORD, as_tuple, check_operations, valid
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.schemas.dialect import statement_of_error
from crmcom_kit.usage_errors import LimitExceeded, UsageError, quoted

MAX_EXPECTATIONS = 1_000
_MAX_KEPT = 20  # texts of what is not expected


@dataclass(slots=True, kw_only=True)
class ExpectedRefusal:
    """Refusals that a test expects, and how many of them came."""

    operations: tuple[str, ...]  # any by default
    record: str | None  # number or id of the webhook request that they name
    errors: tuple[str, ...]  # kinds of errors; any by default
    times: int | None  # None for at least one
    #: How many came so far.
    count: int = 0

    @property
    def has_come(self) -> bool:
        """Whether the expected number came."""
        return self.count > 0 if self.times is None else self.count == self.times

    def fits(self, view: RequestView, error: VendorError) -> bool:
        """Whether it expects a refusal, however many have come."""
        kinds = {error.kind, error.response_kind}  # a special kind is one of its general kind, too
        is_kind = not self.errors or not kinds.isdisjoint(self.errors)
        return is_kind and view.is_about(self.operations, self.record)

    def __str__(self) -> str:
        about = f" of {self.record}" if self.record else ""
        why = f" for {' or '.join(self.errors)}" if self.errors else ""
        often = "at least once" if self.times is None else f"exactly {self.times}"
        return f"{' or '.join(self.operations) or 'any request'}{about}{why}, {often}"

    def as_json(self) -> dict[str, Any]:
        """Return it as the control API shows it."""
        members = {
            "operation": list(self.operations),
            "record": self.record,
            "error": list(self.errors),
            "times": self.times,
        }
        return {**{n: v for n, v in members.items() if v}, "count": self.count, "ok": self.has_come}


class Expectations:
    """What is expected in one world."""

    def __init__(self) -> None:
        """Expect no refusal."""
        self._lock = threading.Lock()
        self._expected: list[ExpectedRefusal] = []
        self._unexpected: list[str] = []  # they may quote what was sent
        self._count = 0

    def expect(self, spec: object) -> ExpectedRefusal:
        """Expect refusals from now on; ``spec`` fits the type ``specification.RefusalSpec``.

        Raises:
            UsageError: it is not allowed.
            LimitExceeded: there are as many as allowed.
        """
        members = valid(spec, "RefusalSpec", whole="refusal")
        expected = ExpectedRefusal(
            operations=as_tuple(members.get("operation", [])),
            record=str(members["record"]) if "record" in members else None,
            errors=as_tuple(members.get("error", [])),
            times=members.get("times"),
        )
        _check_possible(expected)
        with self._lock:
            if len(self._expected) >= MAX_EXPECTATIONS:
                allowed = f"at most {MAX_EXPECTATIONS:,} in a world"
                raise LimitExceeded("refusal", seen="one more", allowed=allowed)
            self._expected.append(expected)
        return expected

    @property
    def expected(self) -> tuple[ExpectedRefusal, ...]:
        """The refusals that are expected, in the order in which they were added."""
        with self._lock:
            return tuple(self._expected)

    def never_came(self) -> list[ExpectedRefusal]:
        """Return the expected refusals of which too few or too many came."""
        return [refusal for refusal in self.expected if not refusal.has_come]

    def unexpected(self) -> tuple[int, list[str]]:
        """Return how many requests were not expected, and the first ones."""
        with self._lock:
            return self._count, list(self._unexpected)

    def is_expected(self, view: RequestView, error: VendorError) -> bool:
        """Count a refusal; return whether it is expected."""
        fitting = [refusal for refusal in self.expected if refusal.fits(view, error)]
        with self._lock:
            for refusal in fitting:
                if refusal.times is None or refusal.count < refusal.times:
                    refusal.count += 1
                    return True
        return False

    def add_unexpected(self, text: str) -> None:
        """Remember a request that was refused unexpectedly, or of which the mock warns."""
        with self._lock:
            self._count += 1
            if len(self._unexpected) < _MAX_KEPT:
                self._unexpected.append(text)


def _check_possible(refusal: ExpectedRefusal) -> None:
    """Raise UsageError if no request of these operations can be refused so."""
    # Imported with the first of them: a start does not wait for it.
    from crmcom_kit.schemas.statements import statement

    if refusal.record is not None:
        check_operations("operation", refusal.operations, WITH_RECORD, "names a webhook request")
    for kind in refusal.errors if refusal.operations else ():
        broken = {statement_of_error(kind, operation) for operation in refusal.operations}
        methods = {method for name in broken for method in statement(name).methods}
        # The body of any request is read, whatever its method says of it.
        if methods.isdisjoint(refusal.operations) and "parameters.body" not in broken:
            seen = f"{quoted(kind)} of {' or '.join(refusal.operations)}"
            raise UsageError(
                "error", seen=seen, allowed=f"{kind} of {' or '.join(sorted(methods))}"
            )
