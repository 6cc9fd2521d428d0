"""Write dialects as commented TOML files, which ``load_dialect`` reads."""

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

    ``evidence`` has the evidence of a server's choices, by dial, in place of the dials' evidence.
    """
    evidence_by_key, changes = evidence or {}, dialect.changes()
    lines = [f"# {line}" for line in _HEADER.splitlines()]
    for table, members in _tables().items():
        lines += ["", f"[{table}]"]
        for dial in members:
            if not dial.error_kind:
                lines += ["", *_comment(dial.text), *_facts(dial, evidence_by_key.get(dial.key))]
                if dial.key in changes:
                    lines += _comment(f"Default: {toml_value(dial.default)}.")
                lines.append(f"{_name(dial)} = {toml_value(dialect[dial.key])}")
        if table == "errors":
            lines += ["", *_kinds_of_errors(dialect, evidence_by_key)]
    return "\n".join(lines) + "\n"


def _kinds_of_errors(dialect: Dialect, evidence: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines about all error kinds, then a line for each kind."""
    changes = dialect.changes()
    kinds: dict[str, list[Dial]] = {}
    for dial in dials().values():
        if dial.error_kind:
            kinds.setdefault(dial.error_kind, []).append(dial)
    yield from _comment("A line for each kind of error:")
    for dial in next(iter(kinds.values())):
        yield from _comment(f"{_name(dial)}: {dial.text}")
        yield from _facts(dial)
    yield ""
    for kind, members in kinds.items():
        for dial in members:
            if dial.key in evidence:
                yield from _comment(f"Evidence of {kind}.{_name(dial)}: {evidence[dial.key]}.")
        if others := [dial for dial in members if dial.key in changes]:
            defaults = ", ".join(f"{_name(dial)} = {toml_value(dial.default)}" for dial in others)
            yield from _comment(f"Default of {kind}: {defaults}.")
        values = ", ".join(f"{_name(dial)} = {toml_value(dialect[dial.key])}" for dial in members)
        yield f"{kind} = {{ {values} }}"


def _tables() -> dict[str, list[Dial]]:
    """Return all dials by table, in the order of their topics, outer tables first."""
    tables: dict[str, list[Dial]] = {}
    for dial in dials().values():
        table = "errors" if dial.error_kind else dial.key.rpartition(".")[0]
        tables.setdefault(table, []).append(dial)
    topics = list(dict.fromkeys(table.partition(".")[0] for table in tables))
    names = sorted(
        tables, key=lambda table: (topics.index(table.partition(".")[0]), table.count("."))
    )
    return {table: tables[table] for table in names}


def _facts(dial: Dial, evidence: str | None = None) -> Iterator[str]:
    yield from _comment(f"Evidence: {evidence or f'{dial.evidence} ({dial.source})'}.")
    yield from _comment(f"Allowed: {dial.allowed()}.")


def _name(dial: Dial) -> str:
    return dial.key.rpartition(".")[2]


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
        if any(isinstance(member, dict) for member in value):  # a line for each table
            return "[\n" + "".join(f"  {toml_value(member)},\n" for member in value) + "]"
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        members = ", ".join(f"{name} = {toml_value(member)}" for name, member in value.items())
        return f"{{ {members} }}" if members else "{}"
    # TOML has the escapes of JSON, and requires one more.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
