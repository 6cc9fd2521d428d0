"""Usage errors: invalid use of our own tools, as opposed to vendor errors and violations."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar

_MAX_LENGTH = 80


def quoted(value: object, *, secret: bool = False) -> str:
    """Return ``value`` as a message shows it: short, printable, and never a secret."""
    if secret:
        return "a hidden value"
    text = value if isinstance(value, str) else repr(value)
    if len(text) > _MAX_LENGTH:
        text = f"{text[:_MAX_LENGTH]}… ({len(text)} characters)"
    # Escapes what no response, header or log can carry: control characters, unpaired surrogates.
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f'"{safe}"' if isinstance(value, str) else safe


def nearest(seen: str, known: Iterable[str]) -> str | None:
    """Return the known name that is probably meant: in another case, shortened or misspelled."""
    names = {name.lower(): name for name in known}
    wanted = seen[:_MAX_LENGTH].lower()
    shortened = [name for name in names if f"_{wanted}_" in f"_{name}_"]
    if wanted in names or len(shortened) == 1:
        return names[wanted if wanted in names else shortened[0]]
    return next((names[name] for name in get_close_matches(wanted, names, n=1)), None)


def hint(seen: str, known: Iterable[str]) -> str:
    """Return what a list of known names ends with: the one that is probably meant, if any is."""
    near = nearest(seen, known)
    return f" (nearest: {near})" if near else ""


def phrase(parameter: str, seen: str, allowed: str) -> str:
    """Say in one phrase what is wrong with a request, as far as each of the three is known."""
    parts = [
        parameter,
        f"seen {seen}" if seen else "",
        f"allowed is {allowed}" if allowed else "",
    ]
    said = [part for part in parts if part]
    return f"{said[0]}: {'; '.join(said[1:])}" if said[1:] else "".join(said)


def not_installed(package: str, extra: str) -> str:
    """Return what to say if a package of an extra is missing: which one, and what to type."""
    return f"this needs {package}, which is not installed; run: pip install 'crmcom-kit[{extra}]'"


class UsageError(ValueError):
    """Invalid use of the mock itself. Nothing has changed, unless ``seen`` says what has."""

    status: ClassVar[int] = 400  # the HTTP status that the control API returns

    def __init__(self, parameter: str, *, seen: str = "", allowed: str = "") -> None:
        """Say which ``parameter`` is wrong, what was ``seen``, what is ``allowed``."""
        super().__init__(phrase(parameter, seen, allowed))
        self.parameter = parameter
        self.seen = seen
        self.allowed = allowed

    def facts(self) -> dict[str, str]:
        """Return the error as the members of a JSON response: what is known of it."""
        members = {
            "error": str(self),
            "parameter": self.parameter,
            "seen": self.seen,
            "allowed": self.allowed,
        }
        return {name: text for name, text in members.items() if text}


class NotFound(UsageError):
    """Something that the request names does not exist."""

    status = 404


class LimitExceeded(UsageError):
    """A maximum would be exceeded."""

    status = 503


class Conflict(UsageError):
    """Something else changed what the request is about; try again. Nothing has changed."""

    status = 409


class TooLarge(UsageError):
    """More bytes than may be sent."""

    status = 413
