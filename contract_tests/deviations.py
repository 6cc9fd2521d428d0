"""Deviations: statements that one target is known to break, with reason and date.

They stand in a TOML file, one ``[[deviation]]`` each, for all methods of a statement or for one. A
listed statement that is broken as listed has the verdict *deviates*; one that holds is stale; any
other behavior is broken.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path
from typing import Any

from crmcom_kit.schemas.dialect_file import toml_value
from crmcom_kit.schemas.statements import UnknownStatement, statement
from crmcom_kit.toml_files import read_toml_file

KINDS = ("vendor-bug", "undocumented", "doc-error", "mock-simplification")

_MASKED = re.compile(r"\$CRMCOM_[A-Z_]+|\*{3}")
_HEADER = """\
# Statements that this target is known to break. Say why in each reason, and choose its kind:
# {kinds}. In seen, * stands for any text.
# An entry with a line such as method = "show" is about that method alone.
"""


class DeviationsError(ValueError):
    """A file of deviations that cannot be used; the text names the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One broken statement that is accepted for one target."""

    statement: str
    kind: str  # one of KINDS
    seen: str  # the behaviour, as a violation words it; * stands for any text
    reason: str
    date: dt.date  # since when it is known
    expires: dt.date | None = None  # the first day on which it is not accepted any more
    method: str | None = None  # the one that breaks it; None: any

    def explains(self, seen: str, method: str = "") -> bool:
        """Whether ``seen``, as a violation of ``method`` words it, is what is listed."""
        if self.method not in (None, method):
            return False
        pattern = self.seen.replace("[", "[[]").replace("?", "[?]")
        return fnmatchcase(seen, pattern)


class Deviations:
    """The deviations of a target, by statement."""

    def __init__(self, listed: Sequence[Deviation] = (), *, today: dt.date | None = None) -> None:
        """Keep the listed ones that have not expired ``today``."""
        self._listed = [
            each for each in listed if today is None or each.expires is None or today < each.expires
        ]

    def of(self, statement: str) -> tuple[Deviation, ...]:
        """Return the deviations that are listed for a statement: one, or one for each method."""
        return tuple(each for each in self._listed if each.statement == statement)


def read_deviations(path: Path) -> tuple[Deviation, ...]:
    """Read a file of deviations. Raises DeviationsError where it is not as described here."""
    try:
        content = read_toml_file(path)
        entries = content.get("deviation", [])
        if set(content) - {"deviation"} or not isinstance(entries, list):
            raise DeviationsError(_text(", ".join(content), "[[deviation]] alone"))
        found = tuple(_read(at, entry) for at, entry in enumerate(entries, 1))
        for at, each in enumerate(found):
            others = [other.method for other in found[:at] if other.statement == each.statement]
            if each.method in others or None in others or (others and each.method is None):
                msg = f"statement: {each.statement} is listed twice; give each entry another method"
                raise DeviationsError(msg)
    except (OSError, ValueError) as error:
        msg = f"{path}: {error}"
        raise DeviationsError(msg) from None
    return found


def _read(at: int, entry: Any) -> Deviation:
    """Return the entry at a place. Raises ValueError."""
    place, members = f"deviation {at}", [each.name for each in fields(Deviation)]
    if not isinstance(entry, dict):
        raise DeviationsError(_text(f"{place}: {entry!r}", "a table"))
    for name, value in entry.items():
        if name not in members:
            raise DeviationsError(_text(f"{place}: {name}", ", ".join(members)))
        wanted = dt.date if name in ("date", "expires") else str
        if type(value) is not wanted:
            form = "a date such as 2026-11-24, unquoted" if wanted is dt.date else "a text"
            raise DeviationsError(_text(f"{place}: {name}: {value!r}", form))
    if missing := next((n for n in members if n not in (*entry, "expires", "method")), None):
        msg = f"{place}: {missing} is missing"
        raise DeviationsError(msg)
    deviation = Deviation(**entry)
    try:
        about = statement(deviation.statement)
    except UnknownStatement as error:
        msg = f"{place}: {error}"
        raise DeviationsError(msg) from None
    if about.unchecked is not None:
        msg = f"{place}: statement: no request can test {about.id}: {about.unchecked}"
        raise DeviationsError(msg)
    if deviation.kind not in KINDS:
        raise DeviationsError(_text(f"{place}: kind: {deviation.kind!r}", ", ".join(KINDS)))
    if deviation.method is not None and deviation.method not in about.methods:
        allowed = ", ".join(about.methods)
        raise DeviationsError(_text(f"{place}: method: {deviation.method!r}", allowed))
    return deviation


def _text(seen: str, allowed: str) -> str:
    return f"{seen} is not allowed; allowed is {allowed}"


def write_deviations(
    broken: Iterable[tuple[str, str, str]], *, today: dt.date, redact: Callable[[str], str] = str
) -> str:
    """Draft a file of deviations from what a run found broken; reasons are left to people.

    Args:
        broken: the id of a statement, the method that breaks it and what was seen, for each kind
            of violation. What differs between those of one method is * in the draft.
        today: since when they are known.
        redact: hides secrets; in the draft * stands for them, so that it explains the next run too.
    """
    seen: dict[str, dict[str, list[str]]] = {}
    for statement_id, method, text in broken:
        texts = seen.setdefault(statement_id, {}).setdefault(method, [])
        texts.append(_MASKED.sub("*", redact(text)))
    lines = [_HEADER.format(kinds=", ".join(KINDS))]
    for statement_id, by_method in seen.items():
        for only, pattern in _patterns(statement_id, by_method):
            lines += [
                "[[deviation]]",
                f"statement = {toml_value(statement_id)}",
                *([f"method = {toml_value(only)}"] if only else []),
                f"kind = {toml_value(KINDS[0])}",
                f"seen = {toml_value(pattern)}",
                'reason = "to be said"',
                f"date = {today.isoformat()}",
                "",
            ]
    return "\n".join(lines)


def _patterns(
    statement_id: str, by_method: Mapping[str, Sequence[str]]
) -> Iterable[tuple[str | None, str]]:
    """Return what was seen of each method that breaks a statement; of all, if they do it alike."""
    found = {method: _pattern(texts) for method, texts in by_method.items()}
    only = len(found) == 1 and len(statement(statement_id).methods) > 1
    if len(set(found.values())) == 1 and not only:
        return [(None, next(iter(found.values())))]
    return found.items()


def _pattern(texts: Sequence[str]) -> str:
    """Return what ``texts`` have in common at both ends, with * for what is between."""
    if len(set(texts)) == 1:
        return texts[0]
    start = _common_start(texts)
    end = _common_start([text[len(start) :][::-1] for text in texts])[::-1]
    return f"{start}*{end}"


def _common_start(texts: Sequence[str]) -> str:
    places = zip(*texts, strict=False)
    return "".join(signs[0] for signs in takewhile(lambda signs: len(set(signs)) == 1, places))
