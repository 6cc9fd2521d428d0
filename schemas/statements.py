"""The statements: every sentence of the contract that a server can keep or break.

The emulator names the statement that a call broke, the kit gives a verdict on each one, and the
docs list them: all three by the ids of ``data/statements.json``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.releases import Release, resolve

#: How binding a statement is: a page states it; or an example shows it, or we read it into one.
LEVELS = ("must", "observed")

#: The grades of evidence, the surest first.
EVIDENCE = ("documented", "observed", "inferred", "assumed")


class UnknownStatement(KeyError):
    """No statement has this id."""

    def __init__(self, wanted: str, near: Iterable[str] = ()) -> None:
        """Remember the id that was ``wanted`` and the ids that are ``near`` to it."""
        super().__init__(wanted, tuple(near))

    def __str__(self) -> str:
        wanted, near = self.args
        hint = f"; nearest: {', '.join(near)}" if near else ""
        return f"statement: there is no {wanted!r}{hint}"


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of the contract, with its releases and its source."""

    id: str
    methods: tuple[str, ...]
    since: str
    until: str | None  # the first release in which it no longer holds
    level: str  # one of LEVELS
    evidence: str  # one of EVIDENCE
    text: str
    source: str
    unchecked: str | None = None  # why the kit gives no verdict on it, if it gives none

    def in_force(self, release: Release) -> bool:
        """Return True if a server of ``release`` is held to this statement."""
        return release.at_least(self.since) and (
            self.until is None or not release.at_least(self.until)
        )


def _read(entry: Mapping[str, Any]) -> Statement:
    return Statement(**{**entry, "methods": tuple(entry["methods"])})


@cache
def _catalogue() -> dict[str, Statement]:
    entries = read_json("data/statements.json")["statements"]
    return {entry["id"]: _read(entry) for entry in entries}


def statements(release: str | None = None) -> tuple[Statement, ...]:
    """Return the statements in force in ``release``, or all of them, in the catalogue's order.

    Raises:
        UnknownRelease: ``release`` names none.
    """
    everything = tuple(_catalogue().values())
    if release is None:
        return everything
    resolved = resolve(release)
    return tuple(found for found in everything if found.in_force(resolved))


def statement(id: str) -> Statement:
    """Return the statement ``id`` of any release.

    Raises:
        UnknownStatement: no statement has that id; the message names the nearest ones.
    """
    try:
        return _catalogue()[id]
    except KeyError:
        import difflib

        raise UnknownStatement(id, difflib.get_close_matches(id, _catalogue())) from None
