"""``crmcom-kit ready``: check that a mock is ready, or wait until it is."""

import time

import click

_SECONDS = 3.0  # without a response, after which a mock is not ready
_PAUSE = 0.1  # seconds between two requests


@click.command()
@click.option(
    "--url",
    default="http://127.0.0.1:8080",
    show_default=True,
    envvar="CRMCOM_MOCK_URL",
    metavar="URL",
    help="Address of the mock; also from CRMCOM_MOCK_URL.",
)
@click.option(
    "--wait",
    default=0.0,
    type=click.FloatRange(0, 86_400),
    metavar="SECONDS",
    help="Maximum time to wait until it is ready.  [default: ask once]",
)
def ready(url: str, wait: float) -> None:
    """Exit with status 0 if a mock is ready for requests, with 1 if not."""
    address = f"{url.rstrip('/')}/readyz"
    end = time.monotonic() + wait
    patience = min(_SECONDS, wait) if wait else _SECONDS
    while (reason := _problem(address, max(patience, _PAUSE))) is not None:
        remaining = end - time.monotonic()
        if remaining <= 0:
            duration = f", after {wait:g} seconds" if wait else ""
            msg = f"{address}: {reason}{duration}"
            raise click.ClickException(msg)
        time.sleep(min(_PAUSE, remaining))
        patience = min(_SECONDS, remaining)


def _problem(address: str, seconds: float) -> str | None:
    """Return why the mock at ``address`` is not ready; None if it is. Raises UsageError."""
    import httpcore

    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
    try:
        with httpcore.ConnectionPool() as pool:
            response = pool.request("GET", address, extensions={"timeout": timeouts})
    except (httpcore.UnsupportedProtocol, ValueError) as error:
        msg = f"--url: {address} is not a URL: {error}"
        raise click.UsageError(msg) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        return str(error) or "no response in time"
    if response.status != 200 or response.content != b"ok\n":
        return f"HTTP {response.status} is not the response of a mock that is ready"
    return None
