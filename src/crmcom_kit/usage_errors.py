"""Usage errors: invalid use of our own tools, as opposed to vendor errors and violations."""

import shlex
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar

_MAX_LENGTH = 80


def quoted(value: object, *, secret: bool = False) -> str:
    """Return ``value`` for a message: short, printable, and never a secret."""
    if secret:
        return "a hidden value"
    return f'"{escaped(value)}"' if isinstance(value, str) else escaped(repr(value))


def escaped(text: str) -> str:
    """Return ``text`` for a message, without quotation marks: short and printable."""
    if len(text) > _MAX_LENGTH:
        text = f"{text[:_MAX_LENGTH]}… ({len(text)} characters)"
    # Escape control characters and surrogates, which responses, headers and logs cannot contain.
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def json_type(value: object) -> str:
    """Return the JSON name of a value's type."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def nearest(text: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that ``text`` abbreviates or misspells, in any case."""
    names = {name.lower(): name for name in candidates}
    word = text[:_MAX_LENGTH].lower()
    matches = [name for name in names if f"_{word}_" in f"_{name}_"]
    if word in names or len(matches) == 1:
        return names[word if word in names else matches[0]]
    return next((names[name] for name in get_close_matches(word, names, n=1)), None)


def hint(text: str, candidates: Iterable[str]) -> str:
    """Return the end of a list of candidates: the one that resembles ``text``, if any."""
    match = nearest(text, candidates)
    return f" (nearest: {match})" if match else ""


def phrase(parameter: str, seen: str, allowed: str) -> str:
    """Return an error in one phrase; empty arguments are left out."""
    parts = [
        parameter,
        f"seen {seen}" if seen else "",
        f"allowed is {allowed}" if allowed else "",
    ]
    texts = [part for part in parts if part]
    return f"{texts[0]}: {'; '.join(texts[1:])}" if texts[1:] else "".join(texts)


def not_installed(package: str, extra: str) -> str:
    """Return the message for a missing package of an extra, with the command to install it."""
    pip = f"{shlex.quote(sys.executable)} -m pip"
    return f"this needs {package}, which is not installed; run: {pip} install 'crmcom-kit[{extra}]'"


class UsageError(ValueError):
    """Invalid use of our own tools. Nothing has changed, unless ``seen`` says otherwise."""

    status: ClassVar[int] = 400  # the HTTP status that the control API returns

    def __init__(self, parameter: str, *, seen: str = "", allowed: str = "") -> None:
        """Name the wrong ``parameter``, the value that was ``seen``, and the ``allowed`` values."""
        super().__init__(phrase(parameter, seen, allowed))
        self.parameter = parameter
        self.seen = seen
        self.allowed = allowed

    def facts(self) -> dict[str, str]:
        """Return the error as the members of a JSON response, without empty ones."""
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
    """Another request came first; try again. Nothing has changed."""

    status = 409


class TooLarge(UsageError):
    """More bytes than allowed."""

    status = 413
