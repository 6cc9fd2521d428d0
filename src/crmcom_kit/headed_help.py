"""Commands whose help has headings, and only names the options that are rarely needed."""

import textwrap
from typing import Any

import click


class HeadedOption(click.Option):
    """An option that stands under a heading of its command's help; a rare one is only named."""

    def __init__(self, *args: Any, heading: str, is_rare: bool = False, **settings: Any) -> None:
        """Add the heading to what ``click.Option`` takes."""
        super().__init__(*args, **settings)
        self.heading, self.is_rare = heading, is_rare


class HeadedCommand(click.Command):
    """A command whose help has headings; options without one stand under "Other"."""

    #: The heading above the names of rare options.
    rare_heading = "Rarely needed (the documentation explains them)"

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each heading, and the names of rare options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        names = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:  # it is hidden
                continue
            if isinstance(param, HeadedOption) and param.is_rare:
                names.append(record[0].partition(" ")[0])
            else:
                heading = param.heading if isinstance(param, HeadedOption) else "Other"
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)
        with formatter.section(self.rare_heading):
            lines = textwrap.wrap(" ".join(names), break_on_hyphens=False)
            formatter.write("".join(f"  {line}\n" for line in lines))
