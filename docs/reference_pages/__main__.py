"""Makes the pages of docs/reference, or parts of them, from code and data: ``make reference``.

They are kept in the repository, so that a Git host shows them, and the site is built from the same
files. What is made stands between the comments ``made: NAME …`` and ``end``.
"""

import re
from pathlib import Path

from reference_pages import commands_page, contract_pages, methods_page, python_api
from reference_pages.statements_page import statements_text

FOLDER = Path(__file__).parent.parent / "reference"

_PART = re.compile(r"(<!-- made: (\w+)([^>]*?) -->\n).*?(<!-- end -->)", re.DOTALL)
_MAKERS = {
    "commands": commands_page.commands_text,
    "dials": contract_pages.dials_text,
    "operations": contract_pages.operations_text,
    "python": python_api.entries,
    "overview": methods_page.overview_text,
    "requests": methods_page.requests_text,
    "methods": methods_page.methods_text,
    "record": methods_page.record_text,
    "errors": methods_page.errors_text,
    "releases": methods_page.releases_text,
}


def pages() -> dict[Path, str]:
    """Return every page that is made, or has parts that are, by its file."""
    texts = {page: page.read_text("utf-8") for page in sorted(FOLDER.glob("*.md"))}
    made = {page: _filled(text) for page, text in texts.items() if _PART.search(text)}
    return made | {FOLDER / "statements.md": statements_text()}


def _filled(page: str) -> str:
    """Return ``page`` with each part between comments made anew."""
    return _PART.sub(
        lambda part: f"{part[1]}\n{_MAKERS[part[2]](*part[3].split()).strip()}\n\n{part[4]}", page
    )


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")
