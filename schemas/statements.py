"""The statements: every sentence of the contract that a server can keep or break.

The emulator names the statement that a call broke, the kit gives a verdict on each statement, and
the docs list them, by the ids of ``data/statements.json``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache

from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.methods import methods
from crmcom_kit.schemas.releases import Release, resolve

#: The grades of evidence, the most certain first.
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
    until: str | None  # the first release without it
    evidence: str  # one of EVIDENCE
    text: str
    source: str
    later: Mapping[str, str] = field(default_factory=dict, hash=False)  # method → release
    unchecked: str | None = None  # the reason why the kit cannot check it, if any

    def in_force(self, release: Release) -> bool:
        """Return True if this statement applies to servers of ``release``."""
        return release.at_least(self.since) and (
            self.until is None or not release.at_least(self.until)
        )

    def methods_in(self, release: Release) -> tuple[str, ...]:
        """Return its methods in ``release``."""
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
    """Return the statements in force in ``release``, by default all, in the catalogue's order.

    Raises:
        UnknownRelease: ``release`` names none.
    """
    all_statements = tuple(_catalogue().values())
    if release is None:
        return all_statements
    full_release = resolve(release)
    return tuple(statement for statement in all_statements if statement.in_force(full_release))


def checked_statements(release: str | None = None, only: str = "*") -> tuple[Statement, ...]:
    """Return the statements that requests can test, with ids that match the pattern ``only``.

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

        nearest = ", ".join(difflib.get_close_matches(id, _catalogue()))
        msg = f"statement: there is no {id!r}" + (f"; nearest: {nearest}" if nearest else "")
        raise UnknownStatement(msg)
    return entry
