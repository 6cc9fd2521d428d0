"""The flags of ``crmcom-kit serve`` that are about the control API, worlds and journals."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from crmcom_kit.mock_server.journal.journal import JournalLimits
from crmcom_kit.mock_server.world.registry import IDLE_SECONDS, MAX_WORLDS

_F = TypeVar("_F", bound=Callable[..., Any])

_FLAGS = (
    click.option(
        "--admin-token",
        metavar="TOKEN",
        envvar="CRMCOM_ADMIN_TOKEN",
        help="Let whoever sends it use the control API, from anywhere, and nobody else; better "
        "given as CRMCOM_ADMIN_TOKEN, which no list of processes shows.  [default: whoever calls "
        "from this machine]",
    ),
    click.option(
        "--allow-name",
        "allow_names",
        envvar="CRMCOM_SERVE_ALLOW_NAME",
        multiple=True,
        metavar="NAME",
        help="Another name by which callers on this machine reach the mock, besides localhost and "
        "addresses; * allows any. Web pages could otherwise pass off their own name as its; "
        "repeatable.",
    ),
    click.option(
        "--max-worlds",
        default=MAX_WORLDS,
        show_default=True,
        type=click.IntRange(0, 100_000),
        help="Named worlds that there may be at once.",
    ),
    click.option(
        "--world-idle",
        default=IDLE_SECONDS,
        show_default=True,
        metavar="SECONDS",
        type=click.FloatRange(0, 10**9, min_open=True),
        help="How long a named world stays that nobody uses.",
    ),
    click.option(
        "--journal",
        default=JournalLimits().entries,
        show_default=True,
        metavar="ENTRIES",
        type=click.IntRange(0, 1_000_000),
        help="Calls that each world keeps to be asked for.",
    ),
    click.option(
        "--journal-bytes",
        default=JournalLimits().bytes,
        show_default=True,
        metavar="BYTES",
        type=click.IntRange(0, 2**30),
        help="Bytes of calls that each world keeps.",
    ),
)


def control_flags(command: _F) -> _F:
    """Give a command the flags of this module."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command
