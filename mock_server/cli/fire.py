"""``crmcom-kit fire``: trigger a webhook in a running mock, as a workflow rule would."""

import json
from typing import Any, BinaryIO
from urllib.parse import quote

import click

from crmcom_kit.mock_server.admin.document import PREFIX
from crmcom_kit.mock_server.protocol.request import json_type
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.world.routing import WORLDS
from crmcom_kit.redaction import printable
from crmcom_kit.schemas.output import OutputError, write_text

_URL = "--url is where the mock is, such as http://127.0.0.1:8080, without the API's path"


class NotFired(click.ClickException):
    """Nothing was sent: one line, exit status 1."""

    exit_code = 1


class NotPossible(click.ClickException):
    """What was asked for cannot be done: one line, exit status 2."""

    exit_code = 2


@click.command()
@click.option("--entity", required=True, metavar="NAME", help="What the data is about.")
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
    help="The entity, a JSON object; - reads it from standard input.",
)
@click.option("--rule", metavar="NAME", help="The workflow rule, where several trigger it.")
@click.option("--entity-id", metavar="ID", help="The entity's id.  [default: the data's own id]")
@click.option(
    "--to", "to", metavar="URL", help="Where to send it.  [default: the definition's URL]"
)
@click.option(
    "--url",
    default="http://127.0.0.1:8080",
    show_default=True,
    envvar="CRMCOM_MOCK_URL",
    metavar="URL",
    help="The running mock; or CRMCOM_MOCK_URL.",
)
@click.option("--world", default="", metavar="NAME", help="Its world.  [default: default]")
@click.option(
    "--admin-token",
    envvar="CRMCOM_ADMIN_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="The mock's --admin-token, where it has one.",
)
def fire(data: BinaryIO, **options: Any) -> None:
    """Trigger a webhook in a running mock, as a workflow rule would.

    The webhook request is made, signed with the definition's key, delivered as the mock delivers
    (see `crmcom-kit serve --deliver`), and kept. What came of it is printed as JSON. The status is
    1 where there is no webhook request, or the receiver did not take it; a mock that plays a script
    says in its place what a receiver would, and a warning tells that nothing was sent.
    """
    wanted = {
        "entity": options["entity"],
        "definition": options["definition"],
        "data": _read(data),
        "rule": options["rule"],
        "entity_id": options["entity_id"],
        "url": options["to"],
    }
    body = {name: value for name, value in wanted.items() if value is not None}
    world = f"{WORLDS}{quote(options['world'], safe='')}" if options["world"] else ""
    address = f"{options['url'].rstrip('/')}{world}{PREFIX}/events/fire"
    fired = _asked(address, body, _sendable(options["admin_token"]))
    try:
        write_text(printable(json.dumps(fired, indent=2, ensure_ascii=False)) + "\n")
    except OutputError as error:
        raise NotPossible(str(error)) from None
    if fired["delivery"] is None:
        raise NotFired(fired["why"])
    if fired["why"]:
        click.echo(f"Warning: nothing was sent: {fired['why']}", err=True)
    outcome = fired["delivery"]["outcome"]
    if fired["delivery"]["stage"] == "abandoned":
        msg = "not delivered: the mock ended meanwhile"
        raise NotFired(msg)
    if outcome is not None and not outcome["delivered"]:
        msg = f"not delivered: {outcome['error_code']}"
        raise NotFired(f"{msg}: {outcome['why']}" if outcome["why"] else msg)


def _read(data: BinaryIO) -> Any:
    try:
        value = json.load(data)
    except (ValueError, RecursionError) as error:
        msg = f"--data: no JSON: {error}"
        raise NotPossible(msg) from None
    if not isinstance(value, dict):
        msg = f"--data: a JSON {type(value).__name__} is not allowed; allowed is an object"
        raise NotPossible(msg)
    return value


def _sendable(token: str | None) -> str | None:
    """Return the token as a header can carry it. Raises NotPossible, without showing it."""
    if token is None:
        return None
    if not token.isascii() or not token.strip().isprintable():
        msg = "--admin-token: a text that is not shown is not allowed; allowed is printable ASCII"
        raise NotPossible(msg)
    return token.strip()


def _asked(address: str, body: Any, token: str | None) -> Any:
    import httpx

    headers = {} if token is None else {"X-Mock-Admin-Token": token}
    try:
        with httpx.Client(trust_env=False, timeout=120) as client:
            answer = client.post(address, json=body, headers=headers)
            found = answer.json()
    except httpx.InvalidURL as error:
        msg = f"--url: {address} is no URL: {error}"
        raise NotPossible(msg) from None
    except httpx.HTTPError as error:
        msg = f"no mock answers at {address}: {error}; `crmcom-kit serve --deliver http` starts one"
        raise NotPossible(msg) from None
    except (ValueError, RecursionError):
        msg = f"{address} is no mock: its answer is no JSON; {_URL}"
        raise NotPossible(msg) from None
    if isinstance(found, dict) and answer.status_code != 200 and "error" in found:
        raise NotPossible(str(found["error"]))
    if answer.status_code != 200 or not _tells(found):
        of = f" with {', '.join(map(quoted, [*found][:5]))}" if isinstance(found, dict) else ""
        seen = f"HTTP {answer.status_code} and {json_type(found)}{of}"
        msg = f"{address} is no mock's control API: seen {seen}; {_URL}"
        raise NotPossible(msg)
    return found


def _tells(found: Any) -> bool:
    """Whether an answer tells what came of an event, as a mock does."""
    if not isinstance(found, dict) or not isinstance(found.get("why"), str):
        return False
    delivery = found.get("delivery", "")
    if delivery is None:
        return True
    if not isinstance(delivery, dict) or not delivery.keys() >= {"stage", "outcome"}:
        return False
    outcome = delivery["outcome"]
    needed = {"delivered", "error_code", "why"}
    return outcome is None or (isinstance(outcome, dict) and outcome.keys() >= needed)
