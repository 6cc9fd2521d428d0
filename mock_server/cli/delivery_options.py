"""The flags of ``crmcom-kit serve`` that are about deliveries, and what follows from them."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])

_FLAGS = (
    click.option(
        "--deliver",
        default="scripted",
        show_default=True,
        type=click.Choice(["scripted", "http"]),
        help="What resend does: play a script and send nothing, or really send, to loopback alone.",
    ),
    click.option(
        "--allow-host",
        "allow_hosts",
        envvar="CRMCOM_SERVE_ALLOW_HOST",
        multiple=True,
        metavar="HOST[:PORT]",
        help="Another host that --deliver http may call, by name or address; repeatable.",
    ),
    click.option(
        "--deliveries",
        metavar="SCRIPT",
        help='What resend comes to, try by try, such as "3*timeout, success"; the last outcome '
        "repeats.  [default: the dialect's delivery.script]",
    ),
)


def delivery_flags(command: _F) -> _F:
    """Give a command the flags of this module."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command


def mistake_in(options: dict[str, Any]) -> str | None:
    """Return what is wrong with these flags, if anything is."""
    from crmcom_kit.schemas import dials

    script, dial = options["deliveries"], dials()["delivery.script"]
    if script is not None and not dial.accepts(script):
        return f"--deliveries: {script!r} is not allowed; allowed is {dial.allowed()}"
    if options["deliver"] == "http" and script is not None:
        return "--deliveries: a script beside --deliver http is not allowed; allowed is one of both"
    if options["deliver"] != "http" and options["allow_hosts"]:
        return "--allow-host: a host without --deliver http is not allowed, since nothing is sent"
    return None
