"""Parts of pages that are made from elsewhere: data of the contract, the changelog."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from crmcom_kit.mock_server.admin.contract import OPERATIONS
from crmcom_kit.mock_server.admin.document import described, document
from crmcom_kit.mock_server.world.registry import CONTROL
from crmcom_kit.schemas import dials, load_dialect
from crmcom_kit.schemas.dialect import error_kinds
from crmcom_kit.schemas.dialect_file import toml_value


def write(docs: Path) -> None:
    """Write each part where a page includes it; what has not changed is not read again."""
    folder = docs / "_generated"
    folder.mkdir(exist_ok=True)
    for name, text in _parts(docs.parent):
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _parts(root: Path) -> Iterator[tuple[str, str]]:
    yield "dials", dials_text()
    yield "operations", operations_text()
    yield "changelog", moved((root / "CHANGELOG.md").read_text("utf-8"), "project")


def moved(text: str, folder: str) -> str:
    """Return a document of the root with its links as they are in a folder of the docs."""

    def link(found: re.Match[str]) -> str:
        target = found[1]
        path = target.removeprefix("docs/") if target.startswith("docs/") else f"../{target}"
        return f"]({posixpath.relpath(path, folder)}{found[2] or ''})"

    return re.sub(r"\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)", link, text)


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
                f"{_plain(dial.text)}  ",
                f"Allowed: {_plain(dial.allowed())}.  ",
                f"*{_plain(dial.source)}*",
                "",
            ]
        )
    groups["errors"] += [*_kinds_of_errors(), ""]
    return "\n".join(line for lines in groups.values() for line in lines)


def _kinds_of_errors() -> Iterator[str]:
    """Yield a table of the kinds of errors, below what is said of all of them."""
    yield "Each kind of error is a table `[errors.KIND]`:"
    yield ""
    of_kinds = [dial for dial in dials().values() if dial.error_kind]
    for dial in of_kinds[:3]:
        part = dial.key.rpartition(".")[2]
        yield f"- `{part}` ({dial.evidence}): {_plain(dial.text)} *{_plain(dial.source)}*"
    yield ""
    yield "| kind | status | code | message | statement |"
    yield "|---|---|---|---|---|"
    dialect = load_dialect()
    for kind, error in error_kinds().items():
        status, code, text = (dialect[f"errors.{kind}.{p}"] for p in ("status", "code", "message"))
        yield f"| `{kind}` | {status} | `{code}` | {_plain(text)} | `{error['statement']}` |"


def operations_text() -> str:
    """Return a table of operations for each tag of the control API's document."""
    lines: list[str] = []
    for tag in document()["tags"]:
        lines += [f"### {tag['name']}", "", tag["description"], "", "| operation | what it does |"]
        lines.append("|---|---|")
        lines += [
            f"| `{one.verb} {CONTROL}{one.path}` | {described(one)['summary']} |"
            for one in OPERATIONS.values()
            if one.tag == tag["name"]
        ]
        lines.append("")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Return text in which Markdown finds no markup: a pattern looks like a link."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", text)
