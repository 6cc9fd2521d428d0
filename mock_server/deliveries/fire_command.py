"""``crmcom-kit fire``: trigger a webhook in a running mock, as a workflow rule would."""

import json
from typing import Any, BinaryIO
from urllib.parse import quote

import click

from crmcom_kit.mock_server.control.document import PREFIX
from crmcom_kit.mock_server.picking import WORLDS


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
    1 where nothing was sent, or the receiver did not take it.
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
    fired = _asked(address, body, options["admin_token"])
    click.echo(json.dumps(fired, indent=2, ensure_ascii=False))
    if not fired["sent"]:
        raise NotFired(fired["why"])
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
    except ValueError:
        msg = f"{address} is no mock: its answer is no JSON"
        raise NotPossible(msg) from None
    if answer.status_code != 200:
        raise NotPossible(str(found.get("error", f"HTTP {answer.status_code}")))
    return found
