"""The options of ``calibrate`` and ``diff``: their own, and those of ``check`` that they share."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from crmcom_kit.config_file import Refused
from crmcom_kit.contract_tests.options.commands import RunCommand, as_click
from crmcom_kit.contract_tests.options.options import (
    CALIBRATE,
    CHECKED,
    CREDENTIALS,
    DIFF,
    OPTIONS,
    REPORTS,
    Option,
)
from crmcom_kit.headed_help import HeadedOption

#: How many requests ``diff`` sends by default.
DIFF_REQUESTS = 600


class ManyOptions(RunCommand):
    """A command that has most options of ``check``; its help describes few of them."""

    rare_heading = "As for `crmcom-kit check`"


def _with_shared(
    command: str, own_options: Sequence[HeadedOption], advice: Mapping[str, str], **helps: str
) -> list[click.Option]:
    """Return the options of a command: its own behind the target, and those that it shares.

    Args:
        command: its name.
        own_options: the options that only it has.
        advice: what to do instead, by the names of options of ``check`` that it had before 0.4.0.
        helps: what it says of shared options otherwise than ``check``, by their keys.
    """
    shared_options = [
        replace(
            option,
            help=helps.get(option.key, option.help),
            is_rare=option.is_rare or option.heading == CREDENTIALS or option.name == "rate",
        )
        for option in OPTIONS
        if command in option.commands and option.heading not in (CHECKED, REPORTS)
    ]
    target, others = map(as_click, shared_options[:2]), map(as_click, shared_options[2:])
    stubs = (_removed(option, advice[option.name]) for option in OPTIONS if option.name in advice)
    return [*target, *own_options, *others, *stubs]


def _removed(option: Option, advice: str) -> click.Option:
    """Return an option that is refused with what replaces it."""

    def refuse(context: click.Context, _param: click.Parameter, value: object) -> None:
        if value not in (None, False, ()):
            msg = f"--{option.name} is no option of {context.command.name} any more: {advice}"
            raise Refused(msg)

    return click.Option(
        [f"--{option.name}"],
        is_flag=option.type is bool,
        multiple=option.repeats,
        hidden=True,
        expose_value=False,
        callback=refuse,
    )


_PATH = click.Path(path_type=Path)
_BASE_URL = "Base URL of the server, such as https://host/crmapi/rest/v2. Without it, a mock is "
_RELEASE = "Release of the server, such as R9 or R14.1; the error for an unknown one lists all."
_FROM_HAR = "Repeatable: several files count as one recording. With --base-url: only requests "
_FROM_HAR += "below that URL"
_MAX_REQUESTS = "Maximum number of requests to send. By default "
_OF_CHECK = {
    "dry-run": "`crmcom-kit check --dry-run` prints the same plan",
    "admin-token": "on a mock that has one, the default world is read",
}
_ONLY_READS = "diff only reads; to compare what changes do, record them with `crmcom-kit check "
_ONLY_READS += "--allow … --har FILE`, and give --from-har FILE"

_profile = partial(HeadedOption, heading="Profile")
_comparison = partial(HeadedOption, heading="Comparison")

OF_CALIBRATE = _with_shared(
    CALIBRATE,
    [
        _profile(["--out"], type=_PATH, metavar="FOLDER", required=True,
                 help="The folder to write; it must be new."),
        _profile(["--keep-personal-data"], is_flag=True,
                 help="Keep names, e-mail addresses, user names and hosts; by default they are "
                 "replaced, so that a list filtered by a real URL finds nothing in the mock."),
        _profile(["--har"], type=_PATH, metavar="FILE",
                 help="Save the traffic, from which --from-har FILE can learn later. It has data "
                 "of the server."),
    ],
    {**_OF_CHECK, "seed": "`crmcom-kit diff --seed N` sends others than were learned from"},
    base_url=f"{_BASE_URL}started and learned.",
    release=f"{_RELEASE} By default that of the mock in --from-har, else R9.",
    max_requests=f"{_MAX_REQUESTS}1500.",
    max_time="Maximum duration in seconds, learning included. After that, the profile has what "
    "was learned, and the report says what was not tried.",
    from_har="Learn from the traffic in this HAR file. Requests follow only if --base-url and a "
    f"login are given. {_FROM_HAR}.",
)  # fmt: skip

OF_DIFF = _with_shared(
    DIFF,
    [
        _comparison(["--profile"], type=_PATH, metavar="FOLDER", required=True,
                    help="The profile to compare with."),
        _comparison(["--fail-on"], type=click.Choice(["documented", "any"]), default="documented",
                    show_default=True, help="Which requests must not differ for exit status 0."),
        _comparison(["--html"], type=_PATH, metavar="FILE", help="Write a page with examples."),
        _comparison(["--update"], type=_PATH, metavar="NEW",
                    help="Write a new profile to NEW."),
    ],
    {
        **_OF_CHECK,
        "expired-token": "`crmcom-kit calibrate` learns how it is refused",
        **dict.fromkeys(
            ("allow", "only-definition", "only-number", "all-records", "ledger"), _ONLY_READS
        ),
    },
    base_url=f"{_BASE_URL}started and compared.",
    release=f"{_RELEASE} By default that of --profile.",
    max_requests=f"{_MAX_REQUESTS}{DIFF_REQUESTS}.",
    from_har=f"Compare the responses in this HAR file, and send nothing. {_FROM_HAR}.",
)  # fmt: skip
