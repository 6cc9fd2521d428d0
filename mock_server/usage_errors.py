"""What is asked of the mock itself and cannot be done, as opposed to the vendor's errors."""

from typing import ClassVar

from crmcom_kit.schemas.envelopes import phrase


class UsageError(ValueError):
    """A call of the mock's own that is refused; nothing has been changed."""

    status: ClassVar[int] = 400  # the HTTP status that the control API answers with

    def __init__(self, parameter: str, *, seen: str = "", allowed: str = "") -> None:
        """Say which ``parameter`` is wrong, what was ``seen``, what is ``allowed``."""
        super().__init__(phrase(parameter, seen, allowed))
        self.parameter = parameter
        self.seen = seen
        self.allowed = allowed

    def facts(self) -> dict[str, str]:
        """Return what a JSON answer says of it."""
        return {
            "error": str(self),
            "parameter": self.parameter,
            "seen": self.seen,
            "allowed": self.allowed,
        }


class NotFound(UsageError):
    """Something that the call names does not exist."""

    status = 404


class LimitExceeded(UsageError):
    """One more than there may be."""

    status = 503


class Conflict(UsageError):
    """What the call began with is no more: another content came in its place meanwhile."""

    status = 409


class TooLarge(UsageError):
    """More bytes than may be sent."""

    status = 413
