"""The releases of the API from R9 on, with their tokens and entities."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from crmcom_kit.schemas.files import read_json

_FORM = re.compile(r"[Rr](\d{1,3})(?:\.(\d{1,3}))?(?:\.(\d{1,3}))?", re.ASCII)


class UnknownRelease(ValueError):
    """No known release has this name."""


@dataclass(frozen=True, slots=True)
class TokenKind:
    """The form and life of a login method's tokens."""

    kind: str  # "hex" (32 upper-case hexadecimal digits) or "jwt"
    life_seconds: int
    renewed_by_use: bool


@dataclass(frozen=True, slots=True)
class Release:
    """One release, with its tokens and entities."""

    name: str
    token: TokenKind
    web_api_key_token: TokenKind | None
    entities: tuple[str, ...]
    disputed_entities: tuple[str, ...]  # that only another page has in this release

    def at_least(self, name: str) -> bool:
        """Return True if this release is ``name`` (a full name such as ``R13.0.0``) or newer."""
        return _order(self.name) >= _order(name)

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
    """Return the short names of all releases, for messages."""
    names = (name.removesuffix(".0").removesuffix(".0") for name in release_names())
    return ", ".join(names)


def default_release() -> str:
    """Return the release that is the default everywhere."""
    return str(read_json("data/releases.json")["default"])


@cache
def entities_since() -> dict[str, str]:
    """Return every entity with its first release, in the documents' order."""
    entity = read_json("objects/common.json")["$defs"]["entity"]
    since = entity["x-enum-since"]
    return {name: since.get(name, release_names()[0]) for name in entity["enum"]}


class Dispute(NamedTuple):
    """Two pages differ on the first release of an entity."""

    since: str  # the first release by the other page
    dial: str  # decides which page counts


@cache
def disputes() -> dict[str, Dispute]:
    """Return the entities whose first release the pages differ on."""
    entity = read_json("objects/common.json")["$defs"]["entity"]
    return {name: Dispute(**entry) for name, entry in entity["x-enum-disputed"].items()}


@cache
def resolve(text: str | None = None) -> Release:
    """Return a release by name, such as R9, R14.1 or R15.0.0; by default the default release.

    Raises:
        UnknownRelease: there is no release of that name.
    """
    order = _order(text if text is not None else default_release())
    entries = [
        e for e in read_json("data/releases.json")["releases"] if _order(e["release"]) <= order
    ]
    if not entries or _order(entries[-1]["release"]) != order:
        msg = f"release: {text} is not known; allowed is one of {known_releases()}"
        raise UnknownRelease(msg)
    members: dict[str, Any] = {}
    for entry in entries:
        members.update(entry)
    api_key = members["web_api_key_token"]
    entities = tuple(e for e, since in entities_since().items() if _order(since) <= order)
    return Release(
        name=members["release"],
        token=TokenKind(**members["token"]),
        web_api_key_token=TokenKind(**api_key) if api_key else None,
        entities=entities,
        disputed_entities=tuple(
            entity
            for entity, dispute in disputes().items()
            if entity not in entities and _order(dispute.since) <= order
        ),
    )


def supported_entities(release: Release, dialect: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the entities of ``release``, with the disputed ones of ``dialect``."""
    return release.entities + tuple(
        entity
        for entity in release.disputed_entities
        if release.at_least(dialect[disputes()[entity].dial])
    )
