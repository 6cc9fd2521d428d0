"""The files of the console: one page, its modules and styles, served unchanged.

The page has no data: all that it shows comes from the control API, which checks access.
"""

from functools import cache
from html import escape
from pathlib import Path
from typing import NamedTuple

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_PAGE = "index.html"
# The page loads scripts and styles only from this server, and sends data only to it. Only lit-html
# may make markup, so hostile text in a record stays text.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types lit-html",
    )
)
_HEADERS = (
    ("Cache-Control", "no-cache"),
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


class Asset(NamedTuple):
    """A file of the console, ready to be sent."""

    content: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = _HEADERS


def page(root: str) -> Asset:
    """Return the page; ``root`` is the path of the mock, or of one of its worlds."""
    index_page = assets()[_PAGE]
    return index_page._replace(content=index_page.content.replace(b"{root}", escape(root).encode()))


@cache
def assets() -> dict[str, Asset]:
    """Return all files by their path below the page's folder."""
    folder = Path(__file__).with_name("page")
    return {
        path.relative_to(folder).as_posix(): Asset(path.read_bytes(), _TYPES[path.suffix])
        for path in folder.rglob("*")
        if path.suffix in _TYPES
    }
