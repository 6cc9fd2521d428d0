"""The options of ``crmcom-kit serve``, and what must be true of them together."""

from math import isnan
from pathlib import Path
from typing import Any

import click

from crmcom_kit.mock_server.access import ADMIN_TOKEN_CHARACTERS, is_admin_token, is_origin
from crmcom_kit.mock_server.journal.journal import JournalLimits
from crmcom_kit.mock_server.world.registry import IDLE_SECONDS, MAX_WORLDS
from crmcom_kit.schemas import dialect_names, release_names


class Refused(click.ClickException):
    """A start that is not possible: one line, exit status 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        """Say why, in one line."""
        super().__init__(" ".join(message.splitlines()))


OPTIONS: list[click.Parameter] = [
    click.Option(["--host"], default="127.0.0.1", help="Address to listen on."),
    click.Option(
        ["--port"],
        default=8080,
        type=click.IntRange(0, 65535),
        help="Port to listen on; 0 picks a free one.",
    ),
    click.Option(
        ["--tls-cert"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Serve https with this certificate (PEM, with those between it and the CA).",
    ),
    click.Option(
        ["--tls-key"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The certificate's key (PEM, without a password).  [default: it is in --tls-cert]",
    ),
    click.Option(
        ["--tls-self-signed"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Serve https with a certificate that is made at the start. FILE gets the certificate "
        "of its CA, which clients have to trust.",
    ),
    click.Option(
        ["--release"],
        metavar="RELEASE",
        help=f"Release of the API, {release_names()[0]} to {release_names()[-1]}, such as R9 or "
        "R14.1; an unknown version means the newest release before it.  [default: R9]",
    ),
    click.Option(
        ["--dialect"],
        default="default",
        metavar="NAME|FILE",
        help="How to respond where the documents are silent: a built-in name "
        f"({', '.join(dialect_names())}) or a TOML file as `crmcom-kit dialect` prints it.",
    ),
    click.Option(
        ["--data"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="World to start from: JSON Lines or JSON.  [default: the packaged sample world]",
    ),
    click.Option(
        ["--state"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Keep the default world's content in this file, and go on with what it has; --data is "
        "for a new file, and for a reset.  [default: it is kept in memory]",
    ),
    click.Option(
        ["--watch"],
        is_flag=True,
        help="Reload --data and --dialect when their files change. What cannot be read is reported "
        "on standard error, and changes nothing.",
    ),
    click.Option(["--seed"], default=0, help="What new ids and tokens are made from."),
    click.Option(
        ["--token", "tokens"],
        envvar="CRMCOM_SERVE_TOKEN",
        multiple=True,
        metavar="TOKEN",
        help="A token that is always valid; repeatable.",
    ),
    click.Option(["--username"], metavar="NAME", help="User name that may log in."),
    click.Option(["--password"], metavar="TEXT", help="The user's password."),
    click.Option(["--organisation"], metavar="NAME", help="The user's organisation."),
    click.Option(["--api-key"], metavar="KEY", help="Web API key that may log in (from R10)."),
    click.Option(
        ["--deliver"],
        default="scripted",
        type=click.Choice(["scripted", "http"]),
        help="Whether resend returns scripted outcomes or really sends (by default to loopback "
        "only).",
    ),
    click.Option(
        ["--allow-host", "allow_hosts"],
        envvar="CRMCOM_SERVE_ALLOW_HOST",
        multiple=True,
        metavar="HOST[:PORT]",
        help="Another host that --deliver http may call, by name or address; repeatable.",
    ),
    click.Option(
        ["--deliveries"],
        metavar="SCRIPT",
        help="Scripted outcomes of deliveries, in order; the last one repeats, such as "
        '"3*timeout, success".  [default: the dialect\'s delivery.script]',
    ),
    click.Option(
        ["--rate-limit"],
        metavar="N",
        type=click.FloatRange(0.001, 10**6),
        help="Answer a token's requests beyond N a second with HTTP 429 and Retry-After, by the "
        "world's clock.  [default: no limit]",
    ),
    click.Option(
        ["--threads"],
        type=click.IntRange(1, 256),
        default=64,
        help="Maximum number of concurrent control API requests. Up to half may wait; with "
        "--deliver http, up to a quarter may wait for deliveries.",
    ),
    click.Option(
        ["--admin-token"],
        metavar="TOKEN",
        envvar="CRMCOM_ADMIN_TOKEN",
        help="Require this token for the control API, and allow it from any machine; better set "
        "as CRMCOM_ADMIN_TOKEN, which no list of processes shows.  [default: any caller on this "
        "machine, without a token]",
    ),
    click.Option(
        ["--allow-name", "allow_names"],
        envvar="CRMCOM_SERVE_ALLOW_NAME",
        multiple=True,
        metavar="NAME",
        help="Another name by which callers on this machine reach the mock, besides localhost and "
        "addresses; * allows any. Protects against DNS rebinding. Repeatable.",
    ),
    click.Option(
        ["--cors"],
        multiple=True,
        metavar="ORIGIN",
        help="Let web pages of this origin, such as http://localhost:3000, call the mock and its "
        "control API; * allows any. Repeatable.",
    ),
    click.Option(
        ["--max-worlds"],
        default=MAX_WORLDS,
        type=click.IntRange(0, 100_000),
        help="Named worlds that there may be at once.",
    ),
    click.Option(
        ["--world-idle"],
        default=IDLE_SECONDS,
        metavar="SECONDS",
        type=click.FloatRange(0, 10**9, min_open=True),
        help="How long an unused named world is kept.",
    ),
    click.Option(
        ["--journal"],
        default=JournalLimits().entries,
        metavar="ENTRIES",
        type=click.IntRange(0, 1_000_000),
        help="Requests that each world's journal keeps.",
    ),
    click.Option(
        ["--journal-bytes"],
        default=JournalLimits().bytes,
        metavar="BYTES",
        type=click.IntRange(0, 2**30),
        help="Bytes of requests that each world's journal keeps.",
    ),
    click.Option(
        ["--log", "log_form"],
        envvar="CRMCOM_SERVE_LOG",
        default="human",
        type=click.Choice(["human", "json", "off"]),
        help="Form of the access log on standard error; secrets are masked.",
    ),
]


def check(options: dict[str, Any]) -> None:
    """Validate the options and load the dialect. Raises Refused."""
    from crmcom_kit.schemas import DialectError, UnknownRelease, load_dialect, resolve

    mistake = _mistake_in(options) or _mistake_in_files(options) or _mistake_in_access(options)
    if mistake is not None:
        raise Refused(mistake)
    try:
        resolve(options["release"])
        options["dialect"] = load_dialect(options["dialect"])
        if options["data"] is not None:
            options["data"].stat()
    except (DialectError, UnknownRelease) as error:
        raise Refused(str(error)) from None
    except OSError as error:
        msg = f"data {options['data']}: cannot be read: {error.strerror}"
        raise Refused(msg) from None


def _mistake_in(options: dict[str, Any]) -> str | None:
    """Return what is wrong with strings and with the options of deliveries, if anything is."""
    from crmcom_kit.schemas import dials

    if options["rate_limit"] is not None and isnan(options["rate_limit"]):
        return "--rate-limit: nan is not allowed; allowed is a number above 0"
    if isnan(options["world_idle"]):  # no comparison finds that it is out of its range
        return "--world-idle: nan is not allowed; allowed is a number of seconds above 0"
    for name in ("username", "password", "organisation", "api_key", "admin_token", "tokens"):
        if options[name] == "" or (name == "tokens" and "" in options[name]):
            flag = name.replace("_", "-").removesuffix("s")
            return f"--{flag}: an empty string is not allowed"
    token = options["admin_token"]
    if token is not None and not is_admin_token(token):
        allowed = ADMIN_TOKEN_CHARACTERS
        return f"--admin-token: a hidden value is not allowed; allowed is {allowed}"
    script, dial = options["deliveries"], dials()["delivery.script"]
    if script is not None and not dial.accepts(script):
        return f"--deliveries: {script!r} is not allowed; allowed is {dial.allowed()}"
    if options["deliver"] == "http" and script is not None:
        return (
            "--deliveries: a script beside --deliver http is not allowed; "
            "allowed is only one of them"
        )
    if options["deliver"] != "http" and options["allow_hosts"]:
        return "--allow-host: a host without --deliver http is not allowed, since nothing is sent"
    return None


def _mistake_in_files(options: dict[str, Any]) -> str | None:
    """Return what is wrong with the files that the mock keeps or watches, if anything is."""
    if not options["watch"]:
        return None
    if options["state"] is not None:
        return "--watch: beside --state it is not allowed; allowed is one of them"
    if options["data"] is None and options["dialect"] in dialect_names():
        return "--watch: without a file to watch it is not allowed; allowed is --data or --dialect"
    return None


def _mistake_in_access(options: dict[str, Any]) -> str | None:
    """Return what is wrong with how callers reach the mock, if anything is."""
    if options["tls_key"] is not None and options["tls_cert"] is None:
        return "--tls-key: a key without --tls-cert is not allowed"
    if options["tls_self_signed"] is not None and options["tls_cert"] is not None:
        return "--tls-self-signed: beside --tls-cert it is not allowed; allowed is one of them"
    for origin in options["cors"]:
        if not is_origin(origin):
            allowed = "an origin as browsers write it, such as http://localhost:3000, or *"
            return f"--cors: {origin!r} is not allowed; allowed is {allowed}"
    return None
