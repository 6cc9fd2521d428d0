"""Dialects: the choices that the documents leave open, each a dial with its evidence.

A dialect file is TOML and names only what differs from the default dialect. An unknown key or an
ill-typed value is an error that names the key and what is allowed.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from crmcom_kit.schemas.files import names_in, read_json, read_toml

SCRIPT_OUTCOMES = "delivery_outcomes.json"
_SCRIPT_STEP = re.compile(r"(?:([0-9]{1,6})\s*\*\s*)?([a-z0-9_]+)")


# An error answer has a body that says what is wrong; these statuses cannot have one.
_BODILESS = (204, 205, 304)


class DialectError(ValueError):
    """A dialect that cannot be used: which key, what was seen, what is allowed."""


@dataclass(frozen=True, slots=True)
class Dial:
    """One undocumented choice: its default, what else it may be, and how sure anyone is."""

    key: str
    type: str  # choice, boolean, integer, text, pattern, members, script, status or code
    default: Any
    choices: Any
    text: str
    evidence: str
    source: str
    question: int

    def allowed(self) -> str:
        """Say in words what this dial may be set to."""
        match self.type:
            case "choice":
                return "one of " + ", ".join(map(_quoted, self.choices))
            case "boolean":
                return "true or false"
            case "integer":
                return f"a whole number from {self.choices[0]} to {self.choices[1]}"
            case "members":
                return "a list of " + ", ".join(map(_quoted, self.choices))
            case "pattern":
                return f"a text that matches {self.choices}"
            case "script":
                return (
                    "outcomes with commas between them, each with an optional count such as "
                    f"3*timeout: {', '.join(delivery_outcomes())}"
                )
            case "status":
                return "an HTTP status from 200 to 599 other than 204, 205 and 304"
            case "code":
                return "a text other than OK"
            case _:
                return "a text"

    def accepts(self, value: object) -> bool:
        """Whether ``value`` has this dial's type and is one of its choices."""
        match self.type:
            case "choice":
                return isinstance(value, str) and value in self.choices
            case "boolean":
                return isinstance(value, bool)
            case "integer":
                low, high = self.choices
                whole = isinstance(value, int) and not isinstance(value, bool)
                return whole and low <= value <= high
            case "members":
                return isinstance(value, list | tuple) and set(map(str, value)) <= set(self.choices)
            case "pattern":
                return isinstance(value, str) and re.fullmatch(self.choices, value) is not None
            case "script":
                return isinstance(value, str) and read_script(value) is not None
            case "status":
                if not isinstance(value, int) or isinstance(value, bool):
                    return False
                return 200 <= value <= 599 and value not in _BODILESS
            case "code":
                return isinstance(value, str) and value.strip() not in ("", "OK")
            case _:
                return isinstance(value, str)


class Dialect(Mapping[str, Any]):
    """Every dial's value, by key; read-only."""

    def __init__(self, name: str, changes: Mapping[str, Any] | None = None) -> None:
        """Take the defaults, changed by ``changes`` (key → value).

        Raises:
            DialectError: a key or a value is not allowed.
        """
        self.name = name
        known = dials()
        values = {key: _frozen(dial.default) for key, dial in known.items()}
        for key, value in (changes or {}).items():
            if key not in known:
                near = difflib.get_close_matches(key, known, n=3) or ["see crmcom-kit dialect"]
                msg = f"dialect {name}: unknown key {key}; nearest: {', '.join(near)}"
                raise DialectError(msg)
            if not known[key].accepts(value):
                allowed = known[key].allowed()
                msg = f"dialect {name}: {key} = {value!r} is not allowed; allowed is {allowed}"
                raise DialectError(msg)
            values[key] = _frozen(value)
        self._values = values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def changed(self, changes: Mapping[str, Any]) -> "Dialect":
        """Return this dialect with ``changes`` made. Raises DialectError like the constructor."""
        known = dials()
        mine = {k: v for k, v in self._values.items() if v != _frozen(known[k].default)}
        return Dialect(self.name, {**mine, **changes})


@cache
def dials() -> dict[str, Dial]:
    """Every dial by key, those of the error kinds included."""
    found = [
        Dial(**{"choices": None, **entry}) for entry in read_json("data/dialect.json")["dials"]
    ]
    for kind, entry in error_kinds().items():
        found += _error_dials(kind, entry)
    return {dial.key: dial for dial in found}


def _error_dials(kind: str, entry: Mapping[str, Any]) -> list[Dial]:
    about = f"an answer of kind {kind}"
    status = "most clients read the envelope of errors through libraries that throw at 4xx"
    code = "pattern of the two codes that integrators recorded"
    rows: list[tuple[Any, ...]] = [
        ("status", "status", 200, None, f"HTTP status of {about}.", "inferred", status, 1),
        ("code", "code", entry["code"], None, f"status.code of {about}.", "inferred", code, 2),
        ("message", "text", entry["message"], None, f"First sentence of status.message of {about}.",
         "assumed", "not documented", 3),
    ]  # fmt: skip
    return [Dial(f"errors.{row[0]}.{kind}", *row[1:]) for row in rows]


@cache
def error_kinds() -> dict[str, dict[str, Any]]:
    """Every kind of vendor error: default code, message, and the statement that it upholds."""
    return {entry["kind"]: entry for entry in read_json("data/errors.json")["errors"]}


@cache
def delivery_outcomes() -> dict[str, dict[str, Any]]:
    """Every outcome of a delivery by name: error_code and error_description, null on success."""
    return {entry["outcome"]: entry for entry in read_json(f"data/{SCRIPT_OUTCOMES}")["outcomes"]}


@cache
def other_statuses() -> dict[str, str]:
    """error_code and error_description of an HTTP status that is no outcome of its own."""
    found: dict[str, str] = read_json(f"data/{SCRIPT_OUTCOMES}")["other_statuses"]
    return found


def read_script(text: str) -> tuple[tuple[int, str], ...] | None:
    """Read a delivery script such as ``3*timeout, success``: (count, outcome) pairs, or None."""
    steps = []
    for part in text.split(","):
        found = _SCRIPT_STEP.fullmatch(part.strip())
        if found is None or found[2] not in delivery_outcomes() or not int(found[1] or 1):
            return None
        steps.append((int(found[1] or 1), found[2]))
    return tuple(steps)


def dialect_names() -> tuple[str, ...]:
    """The names of the built-in dialects."""
    return ("default", *names_in("dialects", ".toml"))


def load_dialect(source: str | Path = "default") -> Dialect:
    """Return a built-in dialect by name, or the one in the TOML file at ``source``.

    Raises:
        DialectError: no such name or file, not TOML, or a key or value that is not allowed.
    """
    if source == "default":
        return Dialect("default")
    if source in dialect_names():
        return Dialect(str(source), _flat(read_toml(f"dialects/{source}.toml")))
    from crmcom_kit.toml_files import read_toml_file  # imports tomllib, which the default needs not

    try:
        content = read_toml_file(Path(source))
    except OSError as error:
        names = ", ".join(dialect_names())
        why = error.strerror
        msg = f"dialect: {source} is neither a built-in name ({names}) nor a readable file: {why}"
        raise DialectError(msg) from None
    except ValueError as error:
        msg = f"dialect {source}: not a TOML file in UTF-8: {error}"
        raise DialectError(msg) from None
    return Dialect(str(source), _flat(content))


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        path = f"{prefix}{key}"
        is_table = isinstance(value, dict)
        if is_table and (value or any(known.startswith(f"{path}.") for known in dials())):
            flat.update(_flat(value, f"{path}."))
        else:  # an empty table that no dial is in is an unknown key like another
            flat[path] = value
    return flat


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _quoted(text: object) -> str:
    return f'"{text}"'
