"""The part of reference/cli.md that comes from the commands themselves."""

import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click
from reference_pages.markdown import docstring_markdown, table

from crmcom_kit.cli import LazyCommand, main

#: Below this heading stand the options that ``--help`` names without describing them.
_OTHERS = "Rarely needed"


class _Sections(click.HelpFormatter):
    """Keeps the sections of options that a command's help has, instead of writing them."""

    def __init__(self) -> None:
        super().__init__()
        self.options: dict[str, list[tuple[str, str]]] = {}

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        self.options[name] = []
        yield

    def write_dl(self, rows: Iterable[tuple[str, str]], *_: int, **__: int) -> None:
        [*self.options.values()][-1].extend(rows)


def commands_text() -> str:
    """Return a list of the commands, and of each its usage, what it does, and its options."""
    commands = {each.name: each for each in main.commands.values() if isinstance(each, LazyCommand)}
    rows = [
        (f"[{name}](#crmcom-kit-{name})", command.short_help or "")
        for name, command in commands.items()
    ]
    sections = (line for command in commands.values() for line in _section(command.load()))
    return "\n".join([*table(["command", "what it does"], rows), "", *sections])


def _section(command: click.Command) -> Iterator[str]:
    root = click.Context(main, info_name="crmcom-kit", **main.context_settings)
    settings = command.context_settings
    context = click.Context(command, parent=root, info_name=command.name, **settings)
    yield from (f"### {context.command_path}", "", "```text")
    yield " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield from ("```", "")
    for text in filter(None, (command.help, command.epilog)):
        yield from (docstring_markdown(line) for line in inspect.cleandoc(text).splitlines())
        yield ""
    for heading, options in _options(command, context).items():
        rows = [(f"`{names}`", docstring_markdown(text)) for names, text in options]
        yield from (f"**{heading}:**", "", *table(["option", "what it does"], rows), "")


def _options(command: click.Command, context: click.Context) -> dict[str, list[tuple[str, str]]]:
    """Return the options of a command as its help shows them, by heading; --help is left out."""
    sections = _Sections()
    command.format_options(context, sections)
    shown = [option for options in sections.options.values() for option in options]
    records = (option.get_help_record(context) for option in command.get_params(context))
    sections.options[_OTHERS] = [record for record in records if record and record not in shown]
    groups = {
        heading: [option for option in options if not option[0].endswith("--help")]
        for heading, options in sections.options.items()
    }
    return {heading: options for heading, options in groups.items() if options}
