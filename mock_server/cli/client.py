"""Requests of the other commands to a running mock."""

import json
from typing import Any

import click

from crmcom_kit.mock_server.world.routing import ADMIN_TOKEN_HEADER

#: Gives a command the option ``--url``.
url_option = click.option(
    "--url",
    default="http://127.0.0.1:8080",
    show_default=True,
    envvar="CRMCOM_MOCK_URL",
    metavar="URL",
    help="Address of the running mock; also from CRMCOM_MOCK_URL.",
)


class NoUrl(ValueError):
    """An address that cannot be called."""


class NoResponse(OSError):
    """Nothing responds at an address."""


def request(
    verb: str, address: str, timeout: float, *, body: Any = None, token: str | None = None
) -> tuple[int, bytes]:
    """Return status and body of a response, without following redirects or using proxies.

    Args:
        verb: the HTTP method.
        address: the URL.
        timeout: seconds to wait for a connection, and again for each part of the response.
        body: what to send as JSON, if anything.
        token: the admin token, if the mock has one.

    Raises:
        NoUrl, NoResponse: their texts begin with the address.
    """
    import httpcore

    headers: dict[bytes | str, bytes | str] = {"Content-Type": "application/json"}
    if token is not None:
        headers[ADMIN_TOKEN_HEADER] = token
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
    try:
        with httpcore.ConnectionPool() as pool:
            response = pool.request(
                verb, address, headers=headers, extensions={"timeout": timeouts},
                content=None if body is None else json.dumps(body).encode(),
            )  # fmt: skip
    except (httpcore.UnsupportedProtocol, ValueError) as error:
        msg = f"{address} is not a URL: {error}"
        raise NoUrl(msg) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        msg = f"{address}: {error or 'no response in time'}"
        raise NoResponse(msg) from None
    return response.status, response.content
