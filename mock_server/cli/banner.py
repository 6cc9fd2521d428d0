"""What ``crmcom-kit serve`` prints once it is ready: its address, and who may log in."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from crmcom_kit.mock_server.world.routing import CONTROL
from crmcom_kit.schemas import API_PATH, resolve

if TYPE_CHECKING:
    from crmcom_kit.mock_server.protocol.config import Credentials

_GIVEN = "(as given)"


def credentials_of(options: dict[str, Any]) -> "Credentials":
    """Return the default credentials, changed by the flags."""
    from dataclasses import replace

    from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS

    names = ("username", "password", "organisation", "api_key")
    given = {name: options[name] for name in names if options[name] is not None}
    return replace(DEFAULT_CREDENTIALS, **given)


def greet(options: dict[str, Any], port: int) -> None:
    """Print the READY line, then how to log in; secrets from the command line are not shown."""
    host = f"[{options['host']}]" if ":" in options["host"] else options["host"]
    base = f"http://{host}:{port}{API_PATH}"
    right = credentials_of(options)
    password = right.password if options["password"] is None else _GIVEN
    key = right.api_key if options["api_key"] is None else _GIVEN
    release = resolve(options["release"])
    lines = [
        f"READY {base}",
        f"  about         {base.removesuffix(API_PATH)}/",
        f"  control API   {base.removesuffix(API_PATH)}{CONTROL}/docs",
        f"  release       {release.name}",
        f"  username      {right.username}",
        f"  password      {password}",
        f"  organisation  {right.organisation}",
    ]
    if release.web_api_key_token is not None:
        lines.append(f"  Web API key   {key}")
    if options["admin_token"] is not None:
        lines.append(f"  admin token   {_GIVEN}")
    if options["deliver"] == "http":
        lines.append(f"  delivers to   {', '.join(['loopback', *options['allow_hosts']])}")
    if options["tokens"]:
        lines.append(f"  fixed tokens  {len(options['tokens'])} {_GIVEN}")
    # Serve even if the reader is gone, as in `… | true`.
    with suppress(OSError):
        print("\n".join(lines), flush=True)  # noqa: T201 - the command's own output
