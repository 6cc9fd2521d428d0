"""How Sphinx builds the docs: `make docs`. The build needs no network, nor does the site."""

import posixpath
import re
from pathlib import Path

from sphinx.application import Sphinx

from crmcom_kit import __version__

project = "crmcom-kit"
author = "crmcom-kit contributors"
copyright = "crmcom-kit contributors"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_llms_txt",
]
exclude_patterns = ["_build"]

nitpicky = True  # every link must lead somewhere

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]

smartquotes = False  # `--log` is no dash

# What people copy from a console session is the commands, without prompts and output.
copybutton_prompt_text = "$ "

html_theme = "furo"
html_title = f"crmcom-kit {release}"
html_static_path: list[str] = []

# Relative, for a site may be below any path.
llms_txt_uri_template = "_sources/{docname}{suffix}{sourcelink_suffix}"
llms_txt_exclude = ["search", "genindex"]


def setup(app: Sphinx) -> None:
    """Let a page have the changelog, which stands in the repository's root."""
    app.connect("source-read", _read_changelog)


def _read_changelog(app: Sphinx, page: str, source: list[str]) -> None:
    if page == "project/changelog":
        changelog = Path(app.srcdir).parent / "CHANGELOG.md"
        app.env.note_dependency(changelog)
        source[0] = _moved(changelog.read_text("utf-8"), "project")


def _moved(text: str, folder: str) -> str:
    """Return a document of the root with its links as they are in a folder of the docs."""

    def link(found: re.Match[str]) -> str:
        target = found[1]
        path = target.removeprefix("docs/") if target.startswith("docs/") else f"../{target}"
        return f"]({posixpath.relpath(path, folder)}{found[2] or ''})"

    return re.sub(r"\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)", link, text)
