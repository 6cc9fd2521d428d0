"""The options of ``crmcom-kit serve``, and the checks of their combination."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from crmcom_kit.config_file import Refused
from crmcom_kit.headed_help import HeadedOption
from crmcom_kit.mock_server.access import ADMIN_TOKEN_CHARACTERS, is_admin_token, is_origin
from crmcom_kit.mock_server.journal.journal import MAX_ENTRIES
from crmcom_kit.schemas import dialect_names
from crmcom_kit.schemas.releases import known_releases

_address = partial(HeadedOption, heading="Address and callers")
_world = partial(HeadedOption, heading="World")
_delivery = partial(HeadedOption, heading="Deliveries")
_rare = partial(HeadedOption, heading="", is_rare=True)

OPTIONS: list[click.Parameter] = [
    _address(["--host"], default="127.0.0.1", help="Address to listen on."),
    _address(
        ["--port"],
        default=8080,
        type=click.IntRange(0, 65535),
        metavar="PORT",
        help="Port to listen on; 0 picks a free one.",
    ),
    _world(
        ["--release"],
        metavar="RELEASE",
        help=f"Release of the API: {known_releases()}.  [default: R9]",
    ),
    _world(
        ["--dialect"],
        metavar="NAME|FILE",
        help="How to respond where the documents are silent: "
        f"{', '.join(dialect_names())}, or a TOML file.  "
        "[default: default]",
    ),
    _world(
        ["--profile"],
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Respond like the server that `crmcom-kit calibrate` made this profile of.",
    ),
    _world(
        ["--data"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="World to start from, JSON Lines or JSON.  [default: a sample]",
    ),
    _world(
        ["--state"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Keep the content in FILE, and continue from it at the next start.",
    ),
    _world(["--seed"], default=0, help="Seed of new ids and tokens."),
    _address(
        ["--token", "tokens"],
        envvar="CRMCOM_SERVE_TOKEN",
        multiple=True,
        metavar="TOKEN",
        help="A token that is always valid; repeatable.",
    ),
    _rare(["--username"], metavar="NAME", help="User name that may log in."),
    _rare(["--password"], metavar="TEXT", help="The user's password."),
    _rare(["--organisation"], metavar="NAME", help="The user's organisation."),
    _rare(["--api-key"], metavar="KEY", help="Web API key that may log in (from R10)."),
    _delivery(
        ["--deliver"],
        default="scripted",
        metavar="HOW",
        help='Really send webhooks (http), or a script of outcomes, such as "3*timeout, success".',
    ),
    _delivery(
        ["--allow-host", "allow_hosts"],
        envvar="CRMCOM_SERVE_ALLOW_HOST",
        multiple=True,
        metavar="HOST[:PORT]",
        help="Send to this host, too, besides loopback; repeatable.",
    ),
    _address(
        ["--admin-token"],
        metavar="TOKEN",
        envvar="CRMCOM_ADMIN_TOKEN",
        help="Required by the control API; opens it to other machines. Better: CRMCOM_ADMIN_TOKEN.",
    ),
    _rare(
        ["--allow-name", "allow_names"],
        envvar="CRMCOM_SERVE_ALLOW_NAME",
        multiple=True,
        metavar="NAME",
        help="Another host name, besides localhost and IP addresses, under which callers on this "
        "machine may reach the mock; * allows any. Repeatable. The check protects against DNS "
        "rebinding.",
    ),
    _rare(
        ["--cors"],
        multiple=True,
        metavar="ORIGIN",
        help="Let web pages of this origin, such as http://localhost:3000, call the mock and its "
        "control API; * allows any. Repeatable.",
    ),
    _rare(
        ["--journal"],
        default=MAX_ENTRIES,
        metavar="ENTRIES",
        type=click.IntRange(0, 1_000_000),
        help="Maximum number of requests in each world's journal.",
    ),
    click.Option(
        ["--log", "log_form"],
        envvar="CRMCOM_SERVE_LOG",
        default="human",
        type=click.Choice(["human", "json", "off"]),
        help="Form of the access log on standard error.",
    ),
]


def resolve_options(options: dict[str, Any]) -> None:
    """Check the options, and load the profile or dialect that they name. Raises Refused."""
    from crmcom_kit.schemas import DialectError, UnknownRelease, load_dialect, resolve
    from crmcom_kit.schemas.profile import ProfileError, read_profile

    mistake = _mistake_in(options)
    if mistake is not None:
        raise Refused(mistake)
    try:
        resolve(options["release"])
        if options["profile"] is not None:
            options["profile"] = read_profile(options["profile"])
            options["release"] = options["release"] or options["profile"].release.name
        else:
            dialect = options["dialect"]
            options["dialect"] = load_dialect("default" if dialect is None else dialect)
        if options["data"] is not None:
            options["data"].stat()
    except (DialectError, ProfileError, UnknownRelease) as error:
        raise Refused(str(error)) from None
    except OSError as error:
        msg = f"data {options['data']}: cannot be read: {error.strerror}"
        raise Refused(msg) from None


def _mistake_in(options: dict[str, Any]) -> str | None:
    """Return the mistake in strings; None if there is none."""
    for name in ("username", "password", "organisation", "api_key", "admin_token", "tokens"):
        if options[name] == "" or (name == "tokens" and "" in options[name]):
            flag = name.replace("_", "-").removesuffix("s")
            return f"--{flag}: an empty string is not allowed"
    token = options["admin_token"]
    if token is not None and not is_admin_token(token):
        allowed = ADMIN_TOKEN_CHARACTERS
        return f"--admin-token: a hidden value is not allowed; allowed is {allowed}"
    for origin in options["cors"]:
        if not is_origin(origin):
            allowed = "an origin as browsers write it, such as http://localhost:3000, or *"
            return f"--cors: {origin!r} is not allowed; allowed is {allowed}"
    return None
