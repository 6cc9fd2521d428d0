"""The statements: every sentence of the contract that a server can keep or break.

The emulator names the statement that a call broke, the kit gives a verdict on each one, and the
docs list them: all three by the ids of ``data/statements.json``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache

from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.methods import methods
from crmcom_kit.schemas.releases import Release, resolve

#: The grades of evidence, the surest first.
EVIDENCE = ("documented", "observed", "inferred", "assumed")


class UnknownStatement(KeyError):
    """No statement has this id."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of the contract, with its releases and its source."""

    id: str
    methods: tuple[str, ...]
    since: str
    until: str | None  # the first release in which it no longer holds
    evidence: str  # one of EVIDENCE
    text: str
    source: str
    later: Mapping[str, str] = field(default_factory=dict, hash=False)  # method → since when
    unchecked: str | None = None  # why the kit cannot try it, if it cannot

    def in_force(self, release: Release) -> bool:
        """Return True if a server of ``release`` is held to this statement."""
        return release.at_least(self.since) and (
            self.until is None or not release.at_least(self.until)
        )

    def methods_in(self, release: Release) -> tuple[str, ...]:
        """Return the methods that it is about in ``release``."""
        names = methods(release)
        return tuple(
            name
            for name in self.methods
            if name in names and release.at_least(self.later.get(name, self.since))
        )


@cache
def _catalogue() -> dict[str, Statement]:
    entries = read_json("data/statements.json")["statements"]
    return {
        entry["id"]: Statement(**{**entry, "methods": tuple(entry["methods"])}) for entry in entries
    }


def statements(release: str | None = None) -> tuple[Statement, ...]:
    """Return the statements in force in ``release``, or all of them, in the catalogue's order.

    Raises:
        UnknownRelease: ``release`` names none.
    """
    everything = tuple(_catalogue().values())
    if release is None:
        return everything
    resolved = resolve(release)
    return tuple(statement for statement in everything if statement.in_force(resolved))


def checked_statements(release: str | None = None, only: str = "*") -> tuple[Statement, ...]:
    """Return those statements that requests can test, if their ids fit the pattern ``only``.

    Raises:
        UnknownRelease: ``release`` names none.
    """
    return tuple(
        statement
        for statement in statements(release)
        if statement.unchecked is None and fnmatchcase(statement.id, only)
    )


def statement(id: str) -> Statement:
    """Return the statement ``id`` of any release.

    Raises:
        UnknownStatement: no statement has that id; the message names the nearest ones.
    """
    entry = _catalogue().get(id)
    if entry is None:
        import difflib

        near = ", ".join(difflib.get_close_matches(id, _catalogue()))
        msg = f"statement: there is no {id!r}" + (f"; nearest: {near}" if near else "")
        raise UnknownStatement(msg)
    return entry
