"""Deviations: statements that one target is known to break, each with a reason.

They stand in a TOML file, one ``[[deviation]]`` each, for all methods of a statement or for one. A
listed statement that is broken as listed has the verdict *deviates*; one that holds is stale; any
other behavior is broken.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from crmcom_kit.contract_tests.options import OptionsError
from crmcom_kit.schemas.dialect_file import toml_value
from crmcom_kit.schemas.statements import UnknownStatement, statement
from crmcom_kit.toml_files import read_toml_file

#: What another run may show in its place: what is redacted, and words with a digit, but statuses.
_VARIES = re.compile(r"\$CRMCOM_[A-Z_]+|\*{3}|(?<!HTTP )\b\w*\d\w*")
_HEADER = """\
# Statements that this target is known to break. Give a reason for each.
# In seen, * stands for any text. An entry without a method is about all methods.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One broken statement that is accepted for one target."""

    statement: str
    seen: str  # the behavior, as a violation words it; * stands for any text
    reason: str
    method: str | None = None  # the one that breaks it; None: any

    def explains(self, seen: str, method: str = "") -> bool:
        """Whether ``seen``, as a violation of ``method`` words it, is what is listed."""
        if self.method not in (None, method):
            return False
        pattern = self.seen.replace("[", "[[]").replace("?", "[?]")
        return fnmatchcase(seen, pattern)


def read_deviations(path: Path) -> tuple[Deviation, ...]:
    """Read a file of deviations. Raises OptionsError where it is not as described here."""
    try:
        content = read_toml_file(path)
        entries = content.get("deviation", [])
        if set(content) - {"deviation"} or not isinstance(entries, list):
            raise OptionsError(_text(", ".join(content), "[[deviation]] alone"))
        return tuple(_read(f"deviation {at}", entry) for at, entry in enumerate(entries, 1))
    except OSError as error:
        msg = f"--deviations: {path} cannot be read: {error.strerror}"
        raise OptionsError(msg) from None
    except ValueError as error:
        msg = f"--deviations: {path}: {error}"
        raise OptionsError(msg) from None


def _read(place: str, entry: Any) -> Deviation:
    """Return the entry at a place. Raises ValueError."""
    members = [each.name for each in fields(Deviation)]
    if not isinstance(entry, dict):
        raise OptionsError(_text(f"{place}: {entry!r}", "a table"))
    for name, value in entry.items():
        if name not in members:
            raise OptionsError(_text(f"{place}: {name}", ", ".join(members)))
        if not isinstance(value, str):
            raise OptionsError(_text(f"{place}: {name}: {value!r}", "a text"))
    if missing := next((each for each in members[:3] if each not in entry), None):
        msg = f"{place}: {missing} is missing"
        raise OptionsError(msg)
    deviation = Deviation(**entry)
    try:
        about = statement(deviation.statement)
    except UnknownStatement as error:
        msg = f"{place}: {error}"
        raise OptionsError(msg) from None
    if about.unchecked is not None:
        msg = f"{place}: statement: no request can test {about.id}: {about.unchecked}"
        raise OptionsError(msg)
    if deviation.method not in (None, *about.methods):
        allowed = ", ".join(about.methods)
        raise OptionsError(_text(f"{place}: method: {deviation.method!r}", allowed))
    return deviation


def _text(seen: str, allowed: str) -> str:
    return f"{seen} is not allowed; allowed is {allowed}"


def write_deviations(broken: Iterable[tuple[str, str, str]]) -> str:
    """Draft a file of deviations from what a run found broken; reasons are left to people.

    Args:
        broken: the id of a statement, the method that breaks it and what was seen, redacted, for
            each kind of violation. Ids, numbers and what was redacted are * in the draft, so that
            it explains the next run, too.
    """
    found: dict[tuple[str, str, str], None] = {}
    for statement_id, method, text in broken:
        pattern = _VARIES.sub("*", text)
        is_said = pattern.strip("*")  # a bare value would accept everything
        found[statement_id, method, pattern if is_said else text] = None
    lines = [_HEADER]
    for statement_id, method, seen in found:
        lines += [
            "[[deviation]]",
            f"statement = {toml_value(statement_id)}",
            f"method = {toml_value(method)}",
            f"seen = {toml_value(seen)}",
            'reason = "to be said"',
            "",
        ]
    return "\n".join(lines)
