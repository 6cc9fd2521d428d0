"""The vendor's errors: requests that the emulated API refuses.

    VendorError
    ├── TokenError        the request has no valid token
    ├── LoginError        a login method refuses the caller
    ├── RequestError      the request as a whole cannot be read, or no method answers it
    ├── ParameterError    a parameter is missing, invalid, misplaced or one too many
    └── RecordError       the record does not exist, or is in the wrong state

Each family has several kinds, listed in ``schemas/data/errors.json``. HTTP status, code and first
sentence of a kind are dials; the error adds the facts: parameter, seen, allowed.
"""

from crmcom_kit.schemas.dialect import error_kinds
from crmcom_kit.schemas.envelopes import phrase


class VendorError(Exception):
    """An error that is answered as the API answers it."""

    def __init__(
        self,
        kind: str,
        parameter: str = "",
        *,
        seen: str = "",
        allowed: str = "",
        dials: tuple[str, ...] = (),
        record: bytes | None = None,
        attempts: tuple[int, ...] = (),
    ) -> None:
        """Describe what is refused.

        Args:
            kind: a kind of ``schemas/data/errors.json``.
            parameter: the parameter that is wrong.
            seen: its value, quoted, or a description of it.
            allowed: what would be valid.
            dials: the dials that decided; none if the documents did.
            record: the body of the webhook request that the request names, if it exists.
            attempts: the numbers of the delivery attempts that the request caused.

        Raises:
            ValueError: there is no such kind.
        """
        if kind not in error_kinds():
            msg = f"kind: seen {kind!r}; allowed is a kind of schemas/data/errors.json"
            raise ValueError(msg)
        super().__init__(kind, parameter, seen, allowed)
        self.kind = kind
        self.parameter = parameter
        self.seen = seen
        self.allowed = allowed
        self.dials = dials
        self.record = record
        self.attempts = attempts

    @property
    def details(self) -> str:
        """The facts in one phrase: parameter, seen, allowed."""
        return phrase(self.parameter, self.seen, self.allowed)


class TokenError(VendorError):
    """The request has no valid token."""


class LoginError(VendorError):
    """A login method refuses the caller."""


class RequestError(VendorError):
    """The request as a whole cannot be read, or no method answers it."""


class ParameterError(VendorError):
    """A parameter is missing, invalid, misplaced or one too many."""


class RecordError(VendorError):
    """The record does not exist, or is in the wrong state."""
