"""Dialects as TOML files that explain themselves: ``load_dialect`` reads what is written here."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from crmcom_kit.schemas.dialect import Dial, Dialect, dials

_HEADER = """\
A dialect of crmcom-kit: the choices that the API's documentation leaves open.
Each comment says what the choice decides, what evidence there is, and which values are allowed.
Remove a line to use the default dialect's value."""

_WIDTH = 100


def write_dialect(dialect: Dialect, evidence: Mapping[str, str] | None = None) -> str:
    """Return ``dialect`` as a commented TOML file with every dial in it.

    ``evidence`` says of dials what is known of a server's choice, instead of their own evidence.
    """
    seen = evidence or {}
    lines = [f"# {line}" for line in _HEADER.splitlines()]
    explained = False
    for table, members in _tables().items():
        is_of_kind = bool(members[0].error_kind)
        if is_of_kind and not explained:  # once, ahead of the first kind
            explained = True
            lines += ["", *_comment("A table for each kind of error, [errors.KIND]:")]
            for dial in members:
                lines += _comment(f"{dial.key.rpartition('.')[2]}: {dial.text}")
                lines += _about(dial)
        lines += ["", f"[{table}]"]
        for dial in members:
            about = [] if is_of_kind else ["", *_comment(dial.text)]
            lines += [*about, *_entry(dial, dialect, seen.get(dial.key))]
    return "\n".join(lines) + "\n"


def _tables() -> dict[str, list[Dial]]:
    """Return all dials by table, in the order of their topics, outer tables first."""
    tables: dict[str, list[Dial]] = {}
    for dial in dials().values():
        tables.setdefault(dial.key.rpartition(".")[0], []).append(dial)
    topics = list(dict.fromkeys(table.partition(".")[0] for table in tables))
    ordered = sorted(
        tables, key=lambda table: (topics.index(table.partition(".")[0]), table.count("."))
    )
    return {table: tables[table] for table in ordered}


def _about(dial: Dial, evidence: str | None = None) -> Iterator[str]:
    yield from _comment(f"Evidence: {evidence or f'{dial.evidence} ({dial.source})'}.")
    yield from _comment(f"Allowed: {dial.allowed()}.")


def _entry(dial: Dial, dialect: Dialect, evidence: str | None) -> Iterator[str]:
    """Yield a dial's line below what is said of it; a kind of error has the most said once."""
    if not dial.error_kind:
        yield from _about(dial, evidence)
    elif evidence is not None:
        yield from _comment(f"Evidence: {evidence}.")
    if dial.key in dialect.changes():
        yield from _comment(f"Default: {toml_value(dial.default)}.")
    yield f"{dial.key.rpartition('.')[2]} = {toml_value(dialect[dial.key])}"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="#   ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def toml_value(value: Any) -> str:
    """Write a value in TOML."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    # JSON's escapes are TOML's, too; but TOML wants one more character escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
