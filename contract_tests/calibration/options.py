"""The options of ``calibrate`` and ``diff``: their own, and those of ``check`` that they share."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from crmcom_kit.contract_tests.options.commands import RunCommand, as_click
from crmcom_kit.contract_tests.options.options import (
    CALIBRATE,
    CHECKED,
    CREDENTIALS,
    DIFF,
    OPTIONS,
    REPORTS,
    TARGET,
)
from crmcom_kit.headed_help import HeadedOption

#: How many requests ``diff`` sends by default.
DIFF_REQUESTS = 600


class ManyOptions(RunCommand):
    """A command that has most options of ``check``; its help describes few of them."""

    rare_heading = "As for `crmcom-kit check`"


def _with_shared(
    command: str, own_options: Sequence[HeadedOption], **helps: str
) -> list[click.Option]:
    """Return the options of a command: its own behind the target, and those that it shares.

    Args:
        command: its name.
        own_options: the options that only it has.
        helps: what it says of shared options otherwise than ``check``, by their keys.
    """
    shared_options = [
        replace(
            option,
            help=helps.get(option.key, option.help),
            is_rare=option.is_rare or option.heading == CREDENTIALS or option.name == "rate",
        )
        for option in OPTIONS
        if command in option.commands
        and option.heading not in (CHECKED, REPORTS)
        and not option.is_variable
    ]
    targets = [option for option in shared_options if option.heading == TARGET]
    others = [option for option in shared_options if option.heading != TARGET]
    return [*map(as_click, targets), *own_options, *map(as_click, others)]


_PATH = click.Path(path_type=Path)
_BASE_URL = "Base URL of the server, such as https://host/crmapi/rest/v2. Without it, a mock is "
_RELEASE = "Release of the server, such as R9 or R14.1; the error for an unknown one lists all."
_FROM_HAR = "Repeatable: several files count as one recording. With --base-url: only requests "
_FROM_HAR += "below that URL"
_MAX_REQUESTS = "Maximum number of requests to send. By default "
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
        _comparison(["--html"], type=_PATH, metavar="FILE", help="Write a page with examples."),
        _comparison(["--update"], type=_PATH, metavar="NEW",
                    help="Write a new profile to NEW."),
    ],
    base_url=f"{_BASE_URL}started and compared.",
    max_requests=f"{_MAX_REQUESTS}{DIFF_REQUESTS}.",
    from_har=f"Compare the responses in this HAR file, and send nothing. {_FROM_HAR}.",
)  # fmt: skip
