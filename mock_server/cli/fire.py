"""``crmcom-kit fire``: trigger a webhook in a running mock, as a workflow rule would."""

import json
from typing import Any, BinaryIO
from urllib.parse import quote

import click

from crmcom_kit.mock_server.access import ADMIN_TOKEN_CHARACTERS, is_admin_token
from crmcom_kit.mock_server.admin.values import parse_body
from crmcom_kit.mock_server.cli.client import NoResponse, NoUrl, request, url_option
from crmcom_kit.mock_server.deliveries.messages import MESSAGE_FAULTS
from crmcom_kit.mock_server.protocol.request import json_type
from crmcom_kit.mock_server.world.routing import CONTROL, WORLDS
from crmcom_kit.output import OutputError, write_text
from crmcom_kit.redaction import printable
from crmcom_kit.usage_errors import UsageError

_URL = "--url must be the address of the mock without the API's path, such as http://127.0.0.1:8080"
_TIMEOUT = 120.0  # seconds: the mock answers when the receiver has


class NotFired(click.ClickException):
    """Nothing was delivered: one line, exit status 1."""

    exit_code = 1


class NotPossible(click.ClickException):
    """The command cannot be carried out: one line, exit status 2."""

    exit_code = 2


@click.command()
@click.option("--entity", required=True, metavar="NAME", help="The entity that the data describes.")
@click.option(
    "--definition",
    required=True,
    metavar="NAME",
    help="The webhook definition: its name, alternative code or id.",
)
@click.option(
    "--data",
    required=True,
    type=click.File("rb"),
    metavar="FILE|-",
    help="File with the entity's data as a JSON object; - reads standard input.",
)
@click.option(
    "--rule", metavar="NAME", help="The workflow rule.  [default: one that triggers the definition]"
)
@click.option("--entity-id", metavar="ID", help="The entity's id.  [default: the data's own id]")
@click.option(
    "--to", "to", metavar="URL", help="URL to send it to.  [default: the definition's URL]"
)
@click.option(
    "--fault",
    type=click.Choice(MESSAGE_FAULTS),
    help="What is wrong with the delivery on purpose; needs a mock with --deliver http.",
)
@url_option
@click.option("--world", default="", metavar="NAME", help="World of the mock.  [default: default]")
@click.option(
    "--admin-token",
    envvar="CRMCOM_ADMIN_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="The mock's --admin-token, if it has one.",
)
def fire(data: BinaryIO, **options: Any) -> None:
    """Trigger a webhook in a running mock, as a workflow rule would.

    The mock creates a webhook request, signs it with the definition's key, delivers it and keeps
    it. The command prints the result as JSON. Its exit status is 1 if no webhook request was
    created, or if the receiver did not accept it. A mock without --deliver http sends nothing and
    returns an outcome of its script; a warning says so.
    """
    wanted = {
        "entity": options["entity"],
        "definition": options["definition"],
        "data": _read(data),
        "rule": options["rule"],
        "entity_id": options["entity_id"],
        "url": options["to"],
        "fault": options["fault"],
    }
    body = {name: value for name, value in wanted.items() if value is not None}
    world = f"{WORLDS}{quote(options['world'], safe='')}" if options["world"] else ""
    address = f"{options['url'].rstrip('/')}{world}{CONTROL}/events/fire"
    fired = _post(address, body, _header_value(options["admin_token"]))
    try:
        failure = _failure(fired)
        warning = "" if fired["delivery"] is None else fired["why"]
    except (KeyError, TypeError):
        msg = f"{address} is not the control API of a mock; {_URL}"
        raise NotPossible(msg) from None
    try:
        write_text(printable(json.dumps(fired, indent=2, ensure_ascii=False)) + "\n")
    except OutputError as error:
        raise NotPossible(str(error)) from None
    if warning:
        click.echo(f"Warning: nothing was sent: {warning}", err=True)
    if failure:
        raise NotFired(failure)


def _failure(fired: Any) -> str:
    """Return why a webhook was not delivered; nothing if it was. Raises KeyError, TypeError."""
    delivery = fired["delivery"]
    if delivery is None:
        return str(fired["why"])
    if delivery["stage"] == "abandoned":
        return "not delivered: the mock was stopped before the delivery ended"
    outcome = delivery["outcome"]
    if outcome is None or outcome["delivered"]:
        return ""
    return ": ".join(filter(None, ("not delivered", outcome["error_code"], outcome["why"])))


def _read(data: BinaryIO) -> Any:
    raw = data.read()
    try:
        value = parse_body(raw, "")
    except UsageError as error:
        seen = error.seen
    else:
        if isinstance(value, dict):
            return value
        seen = json_type(value) if raw.strip() else "nothing"
    msg = f"--data: seen {seen}; allowed is a JSON object"
    raise NotPossible(msg)


def _header_value(token: str | None) -> str | None:
    """Return the token as a header value. Raises NotPossible, without showing the token."""
    if token is None:
        return None
    if not is_admin_token(token.strip()):
        allowed = ADMIN_TOKEN_CHARACTERS
        msg = f"--admin-token: a hidden value is not allowed; allowed is {allowed}"
        raise NotPossible(msg)
    return token.strip()


def _post(address: str, body: Any, token: str | None) -> Any:
    try:
        status, content = request("POST", address, _TIMEOUT, body=body, token=token)
    except NoUrl as error:
        msg = f"--url: {error}"
        raise NotPossible(msg) from None
    except NoResponse as error:
        msg = f"no mock responds at {error}; start one with `crmcom-kit serve --deliver http`"
        raise NotPossible(msg) from None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        msg = f"{address} is not a mock: the response is not JSON; {_URL}"
        raise NotPossible(msg) from None
    if status != 200 and isinstance(found, dict) and "error" in found:
        raise NotPossible(str(found["error"]))
    return found
