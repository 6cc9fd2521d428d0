"""Turns names and docstrings into Markdown."""

import re
from collections.abc import Iterable, Iterator, Sequence


def plain(text: str) -> str:
    """Escape text, since a pattern may look like a link."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", text)


def docstring_markdown(text: str) -> str:
    """Return a line of a docstring in which Markdown finds ``code``, and *emphasis* of a word."""
    parts = re.split(r"(``.+?``|`[^`]+`|\*[\w-]+\*)", text)
    parts[::2] = [re.sub(r"(\*|<(?=[A-Za-z/!?]))", r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [part.replace("``", "`") for part in parts[1::2]]
    return "".join(parts)


def codes(names: Iterable[str], conjunction: str = "") -> str:
    """Return names as code, separated by commas; a ``conjunction`` goes before the last one."""
    marked = [f"`{name}`" for name in names]
    if conjunction and len(marked) > 1:
        return f"{', '.join(marked[:-1])} {conjunction} {marked[-1]}"
    return ", ".join(marked)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a table with a row of titles."""
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        cells = " | ".join(cell.replace("|", "\\|") for cell in row)
        yield f"| {cells} |"
