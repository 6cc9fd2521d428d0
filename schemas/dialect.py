"""Dialects: the choices that the documents leave open, each a dial with its evidence.

A dialect file is TOML with the differences from the default dialect. An unknown key or a wrong
value is an error that names the key and the allowed values.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from crmcom_kit.schemas.dial_tables import allowed_cases, are_cases, is_text
from crmcom_kit.schemas.files import ROOM, names_in, read_json
from crmcom_kit.schemas.ordering import MAX_KEYS, read_key

_SCRIPT_STEP = re.compile(r"(?:([0-9]{1,6})\s*\*\s*)?([a-z0-9_]+)")

# Responses with these statuses have no body, but an error response needs one.
_BODILESS = (204, 205, 304)


class DialectError(ValueError):
    """An error in a dialect: names the key, the value and the allowed values."""


@dataclass(frozen=True, slots=True)
class Dial:
    """One undocumented choice: its default, its alternatives and its evidence."""

    key: str
    #: choice, boolean, integer, text, pattern, members, order, cases, script, status or code
    type: str
    default: Any
    choices: Any
    text: str
    evidence: str
    source: str

    @property
    def error_kind(self) -> str:
        """The error kind that the dial is about; "" for dials about no kind or all kinds."""
        return self.key.removeprefix("errors.").rpartition(".")[0] * self.key.startswith("errors.")

    def allowed(self) -> str:
        """Return the allowed values in words."""
        match self.type:
            case "choice":
                return "one of " + ", ".join(map(_quote, self.choices))
            case "boolean":
                return "true or false"
            case "integer":
                return f"a whole number from {self.choices[0]} to {self.choices[1]}"
            case "members":
                return "a list of " + ", ".join(map(_quote, self.choices))
            case "pattern":
                return f"a string that matches {self.choices}"
            case "order" | "script" | "cases":
                return self._allowed_structure()
            case "status":
                return "an HTTP status from 200 to 599 other than 204, 205 and 304"
            case "code":
                return "a string other than OK, or a whole number"
            case _:
                return "a string"

    def _allowed_structure(self) -> str:
        if self.type == "order":
            return (
                f"a list of up to {MAX_KEYS} keys: members of a webhook request such as "
                '"entity", "number desc", "number text" or "created_date unset high"'
            )
        if self.type == "script":
            return (
                "comma-separated outcomes, each with an optional count, such as "
                f"3*timeout: {', '.join(delivery_outcomes())}"
            )
        return allowed_cases()

    def accepts(self, value: object) -> bool:
        """Return True if ``value`` has this dial's type and is one of its choices."""
        match self.type:
            case "choice":
                return isinstance(value, str) and value in self.choices
            case "boolean":
                return isinstance(value, bool)
            case "integer":
                low, high = self.choices
                is_number = isinstance(value, int) and not isinstance(value, bool)
                return is_number and low <= value <= high
            case "members":
                return isinstance(value, list | tuple) and set(map(str, value)) <= set(self.choices)
            case "pattern":
                return isinstance(value, str) and re.fullmatch(self.choices, value) is not None
            case "order" | "script" | "cases":
                return self._accepts_structure(value)
            case "status":
                if not isinstance(value, int) or isinstance(value, bool):
                    return False
                return 200 <= value <= 599 and value not in _BODILESS
            case "code":
                is_number = isinstance(value, int) and not isinstance(value, bool)
                return is_number or (is_text(value) and str(value).strip() not in ("", "OK"))
            case _:
                return is_text(value)

    def _accepts_structure(self, value: object) -> bool:
        match self.type:
            case "order":
                return _is_order(value)
            case "script":
                return _is_script(value)
        return are_cases(value, dials())


class Dialect(Mapping[str, Any]):
    """The value of every dial by key; read-only."""

    def __init__(self, name: str, changes: Mapping[str, Any] | None = None) -> None:
        """Set the defaults, changed by ``changes`` (key → value).

        Raises:
            DialectError: a key or a value is not allowed.
        """
        self.name = name
        by_key = dials()
        values = {key: _freeze(dial.default) for key, dial in by_key.items()}
        for key, value in (changes or {}).items():
            if key not in by_key:
                nearest = ", ".join(difflib.get_close_matches(key, by_key, n=3))
                hint = f"nearest: {nearest}" if nearest else "`crmcom-kit dialect` prints all keys"
                msg = f"dialect {name}: unknown key {key}; {hint}"
                raise DialectError(msg)
            if not by_key[key].accepts(value):
                allowed = by_key[key].allowed()
                msg = f"dialect {name}: {key} = {value!r} is not allowed; allowed is {allowed}"
                raise DialectError(msg)
            values[key] = _freeze(value)
        self._values = values
        for key, other_key in _copied_dials().items():
            if key not in (changes or {}):
                values[key] = values[other_key]

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def changes(self) -> dict[str, Any]:
        """Return the dials that differ from the default dialect, or from the dial they copy."""
        defaults = {key: _freeze(dial.default) for key, dial in dials().items()}
        defaults |= {key: self._values[other_key] for key, other_key in _copied_dials().items()}
        return {key: value for key, value in self._values.items() if value != defaults[key]}

    def changed(self, changes: Mapping[str, Any]) -> "Dialect":
        """Return a copy with ``changes``. Raises DialectError like the constructor."""
        return Dialect(self.name, {**self.changes(), **changes})


@cache
def dials() -> dict[str, Dial]:
    """Return every dial by key, including those of the error kinds."""
    data = read_json("data/dialect.json")
    all_dials = [Dial(**{"choices": None, **entry}) for entry in data["dials"]]
    for kind, error in error_kinds().items():
        for part, entry in data["error_dials"].items():
            default = error.get(part, entry.get("default"))
            members = {"choices": None, **entry, "default": default}
            all_dials.append(Dial(key=f"errors.{kind}.{part}", **members))
    return {dial.key: dial for dial in all_dials}


@cache
def error_kinds() -> dict[str, dict[str, Any]]:
    """Return every error kind: its default code and message, and the statement it breaks."""
    return {entry["kind"]: entry for entry in read_json("data/errors.json")["errors"]}


@cache
def _copied_dials() -> dict[str, str]:
    """Return the dials that copy another dial unless they are set, with the other dial."""
    return {
        f"errors.{kind}.{part}": f"errors.{error['like']}.{part}"
        for kind, error in error_kinds().items() if "like" in error
        for part in read_json("data/dialect.json")["error_dials"]
    }  # fmt: skip


def statement_of_error(kind: str, method: str) -> str:
    """Return the id of the statement that a request of ``method`` with this error breaks."""
    entry = error_kinds()[kind]
    return str(entry["of_list"] if method == "list" and "of_list" in entry else entry["statement"])


@cache
def delivery_outcomes() -> dict[str, dict[str, Any]]:
    """Return every outcome of a delivery by name: error_code and error_description, or null."""
    outcomes = read_json("data/delivery_outcomes.json")["outcomes"]
    return {entry["outcome"]: entry for entry in outcomes}


@cache
def other_statuses() -> dict[str, str]:
    """Return error_code and error_description for HTTP statuses without an outcome."""
    statuses: dict[str, str] = read_json("data/delivery_outcomes.json")["other_statuses"]
    return statuses


class ScriptStep(NamedTuple):
    """A number of deliveries with one outcome."""

    times: int
    outcome: str


def read_script(text: str) -> tuple[ScriptStep, ...] | None:
    """Return the steps of a script such as ``3*timeout, success``; None if it is not one."""
    steps = []
    for part in text.split(","):
        match = _SCRIPT_STEP.fullmatch(part.strip())
        if match is None or match[2] not in delivery_outcomes() or not int(match[1] or 1):
            return None
        steps.append(ScriptStep(int(match[1] or 1), match[2]))
    return tuple(steps)


def dialect_names() -> tuple[str, ...]:
    """Return the names of the built-in dialects."""
    return ("default", *names_in("dialects", ".toml"))


def load_dialect(source: str | Path = "default") -> Dialect:
    """Return a built-in dialect by name, or the dialect in the TOML file at ``source``.

    Raises:
        DialectError: no such name or file, not TOML, or a key or value that is not allowed.
    """
    if source == "default":
        return Dialect("default")
    if not isinstance(source, str | Path):
        msg = f"dialect: {source!r} is not allowed; allowed is a name, a file's path, or a Dialect"
        raise DialectError(msg)
    from crmcom_kit.toml_files import read_toml_file  # the default dialect does not need it

    is_built_in = source in dialect_names()
    try:
        content = read_toml_file(ROOM / f"dialects/{source}.toml" if is_built_in else Path(source))
    except OSError as error:
        names = ", ".join(dialect_names())
        msg = f"dialect: {source} is neither a built-in name ({names}) nor a readable file: "
        raise DialectError(msg + str(error.strerror)) from None
    except ValueError as error:
        msg = f"dialect {source}: not a TOML file in UTF-8: {error}"
        raise DialectError(msg) from None
    return dialect_of_table(str(source), content)


def dialect_of_table(name: str, content: Mapping[str, Any]) -> Dialect:
    """Return the dialect of a TOML file's content. Raises DialectError like ``Dialect``."""
    return Dialect(name, _flatten(content))


def _flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in table.items():
        path = f"{prefix}{key}"
        is_table = isinstance(value, dict) and path not in dials()
        if is_table and (value or any(dial.startswith(f"{path}.") for dial in dials())):
            values.update(_flatten(value, f"{path}."))
        else:  # an empty table without dials is an unknown key
            values[path] = value
    return values


def _is_script(value: object) -> bool:
    return isinstance(value, str) and read_script(value) is not None


def _is_order(value: object) -> bool:
    is_list = isinstance(value, list | tuple) and 0 < len(value) <= MAX_KEYS
    return is_list and None not in map(read_key, value)  # type: ignore[call-overload]


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _quote(text: object) -> str:
    return f'"{text}"'
