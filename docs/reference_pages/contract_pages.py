"""The parts of reference/dials.md and reference/control-api.md that come from data."""

from collections.abc import Iterator

from reference_pages.markdown import plain, table

from crmcom_kit.mock_server.admin.contract import OPERATIONS
from crmcom_kit.mock_server.admin.document import document, view_of
from crmcom_kit.mock_server.world.registry import CONTROL
from crmcom_kit.schemas import dials
from crmcom_kit.schemas.dialect import Dial, error_kinds
from crmcom_kit.schemas.dialect_file import toml_value


def dials_text() -> str:
    """Return an entry for each dial, in groups by the first word of their keys."""
    groups: dict[str, list[str]] = {}
    for dial in dials().values():
        if dial.error_kind:
            continue
        group = dial.key.split(".")[0]
        groups.setdefault(group, [f"## {group}", ""]).extend(
            [
                f"**`{dial.key} = {toml_value(dial.default)}`** ({dial.evidence})  ",
                f"{plain(dial.text)}  ",
                f"Allowed: {plain(dial.allowed())}.  ",
                f"*{plain(dial.source)}*",
                "",
            ]
        )
    groups["errors"] += [*_kinds_of_errors(), ""]
    return "\n".join(line for lines in groups.values() for line in lines)


def _kinds_of_errors() -> Iterator[str]:
    """Yield what the dials of each kind are, then a table of what differs between the kinds."""
    kinds: dict[str, dict[str, Dial]] = {}
    for dial in dials().values():
        if dial.error_kind:
            kinds.setdefault(dial.error_kind, {})[dial.key.rpartition(".")[2]] = dial
    first, members = next(iter(kinds.items()))
    yield f"Each kind of error has dials of its own, such as `errors.{first}.status`:"
    yield ""
    for part, dial in members.items():
        is_same = all(kind[part].default == dial.default for kind in kinds.values())
        value = f" = {toml_value(dial.default)}" if is_same else ""
        text = f"{plain(dial.text)} Allowed: {plain(dial.allowed())}."
        yield f"- `{part}{value}` ({dial.evidence}): {text} *{plain(dial.source)}*"
    yield ""
    yield from table(
        ["kind", "message", "statement", "code"],
        [
            (
                f"`{kind}`",
                plain(members["message"].default),
                f"`{error_kinds()[kind]['statement']}`",
                f"`{members['code'].default}`",
            )
            for kind, members in kinds.items()
        ],
    )


def operations_text() -> str:
    """Return a table of operations for each tag of the control API's document."""
    lines: list[str] = []
    for tag in document()["tags"]:
        lines += [f"### {tag['name']}", "", tag["description"], ""]
        lines += table(
            ["operation", "what it does"],
            [
                (f"`{operation.verb} {CONTROL}{operation.path}`", view_of(operation)["summary"])
                for operation in OPERATIONS.values()
                if operation.tag == tag["name"]
            ],
        )
        lines.append("")
    return "\n".join(lines)
