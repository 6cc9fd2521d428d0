"""Deviations: statements that one target is known to break, each with a reason.

A TOML file has a ``[[deviation]]`` for each, for one method of a statement or for all. A statement
that is broken as listed has the verdict *deviates*. If it holds although the run could see it
break, the entry is stale. Any other behavior is broken. A ``[[not_seen]]`` names what a run cannot
see of the target, such as a method that its user may not call. An ``[[expected_refusal]]`` names
requests of a recording that a client sends to have them refused.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from crmcom_kit.contract_tests.options.options import CHANGES, SUCCESSFUL_RESEND, OptionsError
from crmcom_kit.schemas.methods import methods
from crmcom_kit.schemas.releases import release_names, resolve
from crmcom_kit.schemas.statements import UnknownStatement
from crmcom_kit.schemas.statements import statement as statement_of
from crmcom_kit.toml_files import read_toml_file

_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A broken statement that is accepted for one target."""

    statement: str
    method: str | None = None  # the one that breaks it; None: any
    after: str | None = None  # resend or delete: a run without such requests cannot see it
    seen: str  # the behavior, as a violation words it; * stands for any text
    reason: str

    def explains(self, statement: str, method: str, seen: str) -> bool:
        """Return whether a violation by ``method`` that says ``seen`` is the listed one."""
        if self.statement != statement or self.method not in (None, method):
            return False
        pattern = self.seen.replace("[", "[[]").replace("?", "[?]")
        return fnmatchcase(seen, pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSeen:
    """Something that a run cannot see; without this entry it would be inconclusive."""

    what: str  # a method that is never served, or ``SUCCESSFUL_RESEND``
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRefusal:
    """Requests of a recording that are wrong on purpose, and no mistakes of the client."""

    method: str  # or a path that no method has
    #: Patterns of values, in which * stands for any text. An identifier is ``field=value``, and a
    #: missing parameter an empty text. Parameters that are not named may have any value.
    parameters: Mapping[str, str] = field(default_factory=dict)
    reason: str

    def matches(self, method: str, parameters: Mapping[str, Any]) -> bool:
        """Return whether this is about a request to ``method`` with these parameters."""
        return self.method == method and all(
            fnmatchcase(_as_text(parameters.get(name)), pattern)
            for name, pattern in self.parameters.items()
        )

    def __str__(self) -> str:
        return f"the expected refusal of {self.method} is no mistake of any request: {self.reason}"


def _as_text(value: Any) -> str:
    """Return the value of a parameter as patterns match it."""
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_as_text(inner)}" for name, inner in value.items())
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value)


class Listed(NamedTuple):
    """The content of a file of deviations."""

    deviations: tuple[Deviation, ...] = ()
    not_seen: tuple[NotSeen, ...] = ()
    expected_refusals: tuple[ExpectedRefusal, ...] = ()


def read_deviations(path: Path) -> Listed:
    """Read a file of deviations. Raises OptionsError."""
    tables = ("deviation", "not_seen", "expected_refusal")
    try:
        content = read_toml_file(path)
        if unknown := sorted({*content} - {*tables}):
            allowed = ", ".join(f"[[{name}]]" for name in tables)
            raise OptionsError(_not_allowed(", ".join(unknown), allowed))
        return Listed(
            tuple(_entries(content, "deviation", _read_deviation)),
            tuple(_entries(content, "not_seen", _read_not_seen)),
            tuple(_entries(content, "expected_refusal", _read_expected_refusal)),
        )
    except OSError as error:
        msg = f"--deviations: {path} cannot be read: {error.strerror}"
        raise OptionsError(msg) from None
    except ValueError as error:
        msg = f"--deviations: {path}: {error}"
        raise OptionsError(msg) from None


def _entries(
    content: Mapping[str, Any], name: str, read: Callable[[str, Any], _Entry]
) -> Iterator[_Entry]:
    entries = content.get(name, [])
    if not isinstance(entries, list):
        raise OptionsError(_not_allowed(f"{name}: {entries!r}", f"[[{name}]]"))
    for number, entry in enumerate(entries, 1):
        yield read(f"{name} {number}", entry)


def _read_not_seen(place: str, entry: Any) -> NotSeen:
    """Return an entry. Raises OptionsError."""
    _check_members(NotSeen, place, entry)
    allowed = (*methods(resolve(release_names()[-1])), SUCCESSFUL_RESEND)
    if entry["what"] not in allowed:
        raise OptionsError(_not_allowed(f"{place}: what: {entry['what']!r}", ", ".join(allowed)))
    return NotSeen(**entry)


def _read_expected_refusal(place: str, entry: Any) -> ExpectedRefusal:
    """Return an entry. Raises OptionsError."""
    parameters = entry.get("parameters", {}) if isinstance(entry, dict) else {}
    is_table = isinstance(parameters, dict)
    if not is_table or not all(isinstance(value, str) for value in parameters.values()):
        raise OptionsError(_not_allowed(f"{place}: parameters: {parameters!r}", "a table of texts"))
    texts = {**entry, "parameters": ""} if isinstance(entry, dict) else entry
    _check_members(ExpectedRefusal, place, texts)
    allowed = tuple(methods(resolve(release_names()[-1])))
    if entry["method"] not in allowed and "/" not in entry["method"]:
        text = f"{', '.join(allowed)}, or a path"
        raise OptionsError(_not_allowed(f"{place}: method: {entry['method']!r}", text))
    return ExpectedRefusal(**{**entry, "parameters": parameters})


def _read_deviation(place: str, entry: Any) -> Deviation:
    """Return an entry. Raises OptionsError."""
    _check_members(Deviation, place, entry)
    deviation = Deviation(**entry)
    try:
        statement = statement_of(deviation.statement)
    except UnknownStatement as error:
        msg = f"{place}: {error}"
        raise OptionsError(msg) from None
    if statement.unchecked is not None:
        msg = f"{place}: statement: no request can test {statement.id}: {statement.unchecked}"
        raise OptionsError(msg)
    for name, allowed in (("method", statement.methods), ("after", CHANGES)):
        if entry.get(name, allowed[0]) not in allowed:
            raise OptionsError(
                _not_allowed(f"{place}: {name}: {entry[name]!r}", ", ".join(allowed))
            )
    return deviation


def _check_members(
    kind: type[Deviation | NotSeen | ExpectedRefusal], place: str, entry: Any
) -> None:
    """Check that an entry is a table with the members of ``kind``. Raises OptionsError."""
    members = {
        member.name: member.default is MISSING and member.default_factory is MISSING
        for member in fields(kind)
    }
    if not isinstance(entry, dict):
        raise OptionsError(_not_allowed(f"{place}: {entry!r}", "a table"))
    for name, value in entry.items():
        if name not in members:
            raise OptionsError(_not_allowed(f"{place}: {name}", ", ".join(members)))
        if not isinstance(value, str):
            raise OptionsError(_not_allowed(f"{place}: {name}: {value!r}", "a text"))
    for name, is_mandatory in members.items():
        if is_mandatory and name not in entry:
            msg = f"{place}: {name} is missing"
            raise OptionsError(msg)


def _not_allowed(seen: str, allowed: str) -> str:
    return f"{seen} is not allowed; allowed is {allowed}"
