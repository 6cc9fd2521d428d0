"""Profiles: folders with what ``crmcom-kit calibrate`` has learned of an instance.

``dialect.toml`` has the dials with their evidence. ``world.jsonl`` has the reference data, and then
the webhook requests as the instance showed them. ``profile.toml`` has everything else.
``report.json`` and ``report.html`` are for people. The mock serves a profile with ``--profile``.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmcom_kit.schemas.dialect import Dialect, dialect_of_table, dials
from crmcom_kit.schemas.dialect_file import toml_value
from crmcom_kit.schemas.effects import CHANGE_KINDS, Effects
from crmcom_kit.schemas.releases import Release, release_names, resolve

FORMAT = 1
HEAD, DIALECT, WORLD = "profile.toml", "dialect.toml", "world.jsonl"
#: The files of a profile that are for people.
REPORTS = ("report.json", "report.html")

_ABOUT = """\
# A profile of crmcom-kit: what was learned of one instance. `crmcom-kit serve --profile` serves it.
# dialect.toml has the dials with their evidence, world.jsonl the webhook requests as they were.
"""


class ProfileError(ValueError):
    """A profile that cannot be used: names the file, what was seen and what is allowed."""


_DERIVED = "# Changes that were not seen: their effects are guesses from webhook requests."


@dataclass(frozen=True, slots=True)
class Profile:
    """The knowledge of an instance that a mock needs to be like it."""

    release: Release
    dialect: Dialect
    #: Entries of a world, or the file that has them. Webhook requests have the form of responses;
    #: the first user and the first unit are those of the run's login.
    world: Path | Iterable[Mapping[str, Any]]
    #: The dials that the run left open, with the values that fit the responses.
    unsettled: Mapping[str, list[Any]] = field(default_factory=dict)
    #: The effects of changes on a webhook request, by kind: see ``schemas.effects``.
    effects: Mapping[str, Effects] = field(default_factory=dict)
    #: The kinds of differences that no dial removes, by method, and how often they were seen.
    differs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    made: str = ""  # the time in ISO 8601; "" if it is not known
    derived: frozenset[str] = frozenset()  # kinds of changes that were not seen, but guessed


def read_profile(folder: str | Path) -> Profile:
    """Return the profile in ``folder``.

    Raises:
        ProfileError: a file is missing, or has another form than this version of crmcom-kit writes.
        DialectError: the dialect has an unknown dial, or a value that is not allowed.
    """
    content = _table(folder, HEAD)
    mistake = _mistake_in(content)
    if mistake is not None:
        msg = f"profile {Path(folder) / HEAD}: {mistake}"
        raise ProfileError(msg)
    changes = _table(folder, DIALECT)
    if not changes:  # calibrate writes every dial
        msg = f"profile {Path(folder) / DIALECT}: seen no dial; allowed is the file that "
        msg += "crmcom-kit calibrate has written: calibrate again"
        raise ProfileError(msg)
    return Profile(
        release=resolve(content["release"]),
        dialect=dialect_of_table(str(Path(folder) / DIALECT), changes),
        world=Path(folder) / WORLD,
        unsettled=content.get("unsettled", {}),
        effects=_effects(content) or {},
        differs=_differs(content) or {},
        made=str(content.get("made", "")),
        derived=frozenset(content.get("derived", [])),
    )


def _mistake_in(content: Mapping[str, Any]) -> str | None:
    """Return the first mistake in the content of ``profile.toml``; None if there is none."""
    number, name, kinds = content.get("format"), content.get("release"), ", ".join(CHANGE_KINDS)
    if type(number) is not int or number != FORMAT:
        remedy = "calibrate again with this version of crmcom-kit"
        return f"seen format {number!r}; allowed is {FORMAT}: {remedy}"
    if name not in release_names():
        return f"release: seen {name!r}; allowed is {', '.join(release_names())}"
    if not _are_dials(content.get("unsettled", {})):
        return "allowed is a table unsettled, of dials with arrays of their values"
    if _differs(content) is None:
        return "allowed is a table differs, of methods with tables of texts"
    if _effects(content) is None:
        return f"allowed is a table effects, of {kinds} with tables of JSON texts by member"
    derived = content.get("derived", [])
    if not (isinstance(derived, list) and all(kind in CHANGE_KINDS for kind in derived)):
        return f"derived: seen {derived!r}; allowed is an array of {kinds}"
    return None


def _table(folder: str | Path, name: str) -> dict[str, Any]:
    """Return the content of a TOML file of a profile. Raises ProfileError."""
    from crmcom_kit.toml_files import read_toml_file  # most mocks have no profile

    try:
        return read_toml_file(Path(folder) / name)
    except OSError as error:
        msg = f"profile {folder}: {name} cannot be read: {error.strerror}; "
        msg += "allowed is a folder that crmcom-kit calibrate has written"
        raise ProfileError(msg) from None
    except ValueError as error:
        msg = f"profile {Path(folder) / name}: not a TOML file in UTF-8: {error}"
        raise ProfileError(msg) from None


def _are_dials(unsettled: Any) -> bool:
    """Return True if a table has dials with allowed values."""
    by_key = dials()
    return isinstance(unsettled, dict) and all(
        key in by_key and isinstance(values, list) and all(map(by_key[key].accepts, values))
        for key, values in unsettled.items()
    )


def _effects(content: Mapping[str, Any]) -> dict[str, Effects] | None:
    """Return the effects; None if they have another form."""
    table = content.get("effects", {})
    if not (isinstance(table, dict) and table.keys() <= {*CHANGE_KINDS}):
        return None
    try:
        return {
            kind: {name: json.loads(text) for name, text in effects.items()}
            for kind, effects in table.items()
        }
    except (AttributeError, TypeError, ValueError):
        return None


def _differs(content: Mapping[str, Any]) -> dict[str, dict[str, str]] | None:
    """Return the differences by method and kind; None if they have another form."""
    table = content.get("differs", {})
    if not isinstance(table, dict):
        return None
    is_right = all(isinstance(k, dict) and _are_texts(k.values()) for k in table.values())
    return table if is_right else None


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def head_of(profile: Profile) -> str:
    """Return the text of a profile's ``profile.toml``."""
    lines = [
        _ABOUT,
        f"format = {FORMAT}",
        f"release = {json.dumps(profile.release.name)}",
        *([f"made = {json.dumps(profile.made)}"] if profile.made else []),
        *([_DERIVED, f"derived = {json.dumps([*profile.derived])}"] if profile.derived else []),
        "",
        "# Dials that the run could not settle, with the values that fit or were seen.",
        "[unsettled]",
    ]
    lines += [f'"{dial}" = {toml_value(values)}' for dial, values in profile.unsettled.items()]
    if profile.effects:
        lines += ["", "# What changes do to a webhook request: JSON, by member."]
    for kind, effects in profile.effects.items():
        lines.append(f"[effects.{kind}]")
        lines += [
            f'"{name}" = {toml_value(json.dumps(effect))}' for name, effect in effects.items()
        ]
    lines += ["", "# In what the mock differs, whatever its dials are, by method, and how often."]
    for method, kinds in profile.differs.items():
        lines.append(f'[differs."{method}"]')
        lines += [f"{toml_value(kind)} = {toml_value(times)}" for kind, times in kinds.items()]
    return "\n".join(lines) + "\n"
