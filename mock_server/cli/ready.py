"""``crmcom-kit ready``: wait until a mock answers."""

from time import monotonic, sleep

import click

from crmcom_kit.mock_server.cli.client import NoResponse, NoUrl, request, url_option

_PAUSE = 0.1  # seconds between two requests


class NotReady(click.ClickException):
    """The mock was not ready in time: one line, exit status 1."""

    exit_code = 1


@click.command()
@url_option
@click.option(
    "--wait",
    default=0.0,
    metavar="SECONDS",
    type=click.FloatRange(0, 86_400),
    help="How long to wait until the mock is ready.  [default: ask once]",
)
def ready(url: str, wait: float) -> None:
    """Wait until a mock is ready for requests.

    Exits with status 0 if it is ready, and with 1 if it is not ready in time.
    """
    address = f"{url.rstrip('/')}/readyz"
    end = monotonic() + wait
    while True:
        left = end - monotonic()
        found = _answer(address, max(1.0, left))
        if not found:
            return
        if left <= 0:
            raise NotReady(found)
        sleep(min(_PAUSE, left))


def _answer(address: str, timeout: float) -> str:
    """Return why the mock is not ready; nothing if it is."""
    try:
        status, content = request("GET", address, timeout)
    except NoUrl as error:
        msg = f"--url: {error}"
        raise click.UsageError(msg) from None
    except NoResponse as error:
        return str(error)
    if status == 200 and content == b"ok\n":
        return ""
    return f"{address}: HTTP {status} is not the response of a mock that is ready"
