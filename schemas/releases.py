"""The releases of the API from R9 on, and what each one has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from crmcom_kit.schemas.files import read_json

_FORM = re.compile(r"[Rr](\d{1,3})(?:\.(\d{1,3}))?(?:\.(\d{1,3}))?", re.ASCII)


class UnknownRelease(ValueError):
    """A text that names none of the known releases."""


@dataclass(frozen=True, slots=True)
class TokenKind:
    """How a login method's tokens look and how long they live."""

    kind: str  # "hex" (32 upper-case hexadecimal digits) or "jwt"
    life_seconds: int
    renewed_by_use: bool


@dataclass(frozen=True, slots=True)
class Release:
    """One release with everything that is in force in it."""

    name: str
    token: TokenKind
    web_api_key_token: TokenKind | None
    entities: tuple[str, ...]
    disputed_entities: tuple[str, ...]  # only another page has these in this release

    def at_least(self, other: str) -> bool:
        """Return True if this release is ``other`` (a full name such as ``R13.0.0``) or newer."""
        return _order(self.name) >= _order(other)

    def covers(self, entry: Any) -> bool:
        """Return True if a piece with ``x-since`` or ``x-until`` is in force."""
        since, until = entry.get("x-since"), entry.get("x-until")
        return (since is None or self.at_least(since)) and (
            until is None or not self.at_least(until)
        )


@cache
def _order(name: str) -> tuple[int, int, int]:
    form = _FORM.fullmatch(name.strip()) if isinstance(name, str) else None
    if form is None:
        msg = f"release: {name!r} is not a release; allowed is one of {known_releases()}"
        raise UnknownRelease(msg)
    major, minor, patch = (int(part or 0) for part in form.groups())
    return major, minor, patch


def release_names() -> tuple[str, ...]:
    """Return the full names of all releases with an entry, oldest first."""
    return tuple(entry["release"] for entry in read_json("data/releases.json")["releases"])


def known_releases() -> str:
    """Return the short names of all releases, as messages list them."""
    shown = (name.removesuffix(".0").removesuffix(".0") for name in release_names())
    return ", ".join(shown)


def default_release() -> str:
    """Return the release that is the default everywhere."""
    return str(read_json("data/releases.json")["default"])


@cache
def entities_since() -> dict[str, str]:
    """Return every entity with the release that brought it, in the documents' order."""
    entity = read_json("objects/common.json")["$defs"]["entity"]
    since = entity["x-enum-since"]
    return {name: since.get(name, release_names()[0]) for name in entity["enum"]}


class Dispute(NamedTuple):
    """Where two pages differ on the release that brought an entity."""

    since: str  # by the page that is not followed
    dial: str  # decides which page a server follows


@cache
def disputes() -> dict[str, Dispute]:
    """Return the entities whose first release the pages differ on."""
    entity = read_json("objects/common.json")["$defs"]["entity"]
    return {name: Dispute(**entry) for name, entry in entity["x-enum-disputed"].items()}


@cache
def resolve(text: str | None = None) -> Release:
    """Return a release by name, such as R9, R14.1 or R15.0.0; the default release without one.

    Raises:
        UnknownRelease: there is no release of that name.
    """
    wanted = _order(text if text is not None else default_release())
    entries = [
        e for e in read_json("data/releases.json")["releases"] if _order(e["release"]) <= wanted
    ]
    if not entries or _order(entries[-1]["release"]) != wanted:
        msg = f"release: {text} is not known; allowed is one of {known_releases()}"
        raise UnknownRelease(msg)
    merged: dict[str, Any] = {}
    for entry in entries:
        merged.update(entry)
    api_key = merged["web_api_key_token"]
    entities = tuple(e for e, since in entities_since().items() if _order(since) <= wanted)
    return Release(
        name=merged["release"],
        token=TokenKind(**merged["token"]),
        web_api_key_token=TokenKind(**api_key) if api_key else None,
        entities=entities,
        disputed_entities=tuple(
            entity
            for entity, dispute in disputes().items()
            if entity not in entities and _order(dispute.since) <= wanted
        ),
    )


def supported_entities(release: Release, dialect: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the entities of ``release``, and the disputed ones that ``dialect`` has in it."""
    return release.entities + tuple(
        entity
        for entity in release.disputed_entities
        if release.at_least(dialect[disputes()[entity].dial])
    )
