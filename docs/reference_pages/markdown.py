"""Markdown of names and texts that were written for other places."""

import re
from collections.abc import Iterable, Iterator, Sequence


def plain(text: str) -> str:
    """Return text in which Markdown finds no markup: a pattern looks like a link."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", text)


def outside_code(text: str) -> str:
    """Return a line of a docstring in which Markdown finds ``code``, and *emphasis* of a word."""
    parts = re.split(r"(``.+?``|`[^`]+`|\*[\w-]+\*)", text)
    parts[::2] = [re.sub(r"(\*|<(?=[A-Za-z/!?]))", r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [part.replace("``", "`") for part in parts[1::2]]
    return "".join(parts)


def codes(names: Iterable[str], last: str = "") -> str:
    """Return names as code, separated by commas, with a word before the ``last`` if it is given."""
    marked = [f"`{name}`" for name in names]
    if last and len(marked) > 1:
        return f"{', '.join(marked[:-1])} {last} {marked[-1]}"
    return ", ".join(marked)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a table with a row of titles."""
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        cells = " | ".join(cell.replace("|", "\\|") for cell in row)
        yield f"| {cells} |"
