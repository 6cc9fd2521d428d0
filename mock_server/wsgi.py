"""The mock as a WSGI application for any WSGI server: ``crmcom_kit.mock_server.wsgi:app``.

It is configured by the environment: CRMCOM_SERVE_RELEASE is what ``crmcom-kit serve`` takes as
--release, and so on. A server must run it in one process, since the worlds are in memory.
"""

from typing import TYPE_CHECKING

from crmcom_kit.mock_server.cli.options import check
from crmcom_kit.mock_server.cli.serve import registry_of, serve
from crmcom_kit.mock_server.http.app import create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def make_app() -> "WSGIApplication":
    """Return the application that the environment asks for. Raises click.ClickException."""
    options = serve.make_context("serve", []).params
    check(options)
    return create_app(registry_of(options))


app = make_app()
