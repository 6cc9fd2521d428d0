"""How Sphinx builds the docs: `make docs`. The build needs no network, nor does the site."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import click
import generated_pages
from sphinx.application import Sphinx

from crmcom_kit import __version__
from crmcom_kit.cli import LazyCommand, main

project = "crmcom-kit"
author = "crmcom-kit contributors"
copyright = "crmcom-kit contributors"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",  # our docstrings have sections in Google's form
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_llms_txt",
]
exclude_patterns = ["_build", "_generated"]

# Every link must lead somewhere. Types of other packages, and our own that have no entry in the
# reference, stand in signatures; only these may lead nowhere.
nitpicky = True
nitpick_ignore_regex = [("py:(class|exc|obj|data)", ".*")]

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]

smartquotes = False  # `--log` is no dash

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"

# What people copy from a console session is the commands, without prompts and output.
copybutton_prompt_text = "$ "

html_theme = "furo"
html_title = f"crmcom-kit {release}"
html_static_path: list[str] = []

# Relative, for a site may be below any path.
llms_txt_uri_template = "_sources/{docname}{suffix}{sourcelink_suffix}"
llms_txt_exclude = ["search", "genindex"]


def setup(app: Sphinx) -> None:
    """Write the tables that are made from the contract's data before any page is read."""
    app.connect("builder-inited", lambda app: generated_pages.write(Path(app.srcdir)))
    _show_defaults()


def _show_defaults() -> None:
    """Ask each option for its default: sphinx-click does not read a command's own settings."""
    commands = (each.load() for each in main.commands.values() if isinstance(each, LazyCommand))
    for command in commands:
        for option in command.params:
            if isinstance(option, click.Option) and isinstance(option.default, str | int | float):
                option.show_default = not option.is_flag
