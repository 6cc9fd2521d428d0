"""``crmcom-kit ready``: whether a mock is ready, for the health check of a container."""

import click

_SECONDS = 3.0  # of silence, until it is not ready


@click.command()
@click.option(
    "--url",
    default="http://127.0.0.1:8080",
    show_default=True,
    envvar="CRMCOM_MOCK_URL",
    metavar="URL",
    help="Address of the mock; also from CRMCOM_MOCK_URL.",
)
def ready(url: str) -> None:
    """Exit with status 0 if a mock is ready for requests, with 1 if not."""
    import httpcore

    address = f"{url.rstrip('/')}/readyz"
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), _SECONDS)
    try:
        with httpcore.ConnectionPool() as pool:
            response = pool.request("GET", address, extensions={"timeout": timeouts})
    except (httpcore.UnsupportedProtocol, ValueError) as error:
        msg = f"--url: {address} is not a URL: {error}"
        raise click.UsageError(msg) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        msg = f"{address}: {error or 'no response in time'}"
        raise click.ClickException(msg) from None
    if response.status != 200 or response.content != b"ok\n":
        msg = f"{address}: HTTP {response.status} is not the response of a mock that is ready"
        raise click.ClickException(msg)
