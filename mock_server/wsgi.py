"""The mock as a WSGI application for any WSGI server: ``crmcom_kit.mock_server.wsgi:app``.

It is configured by the environment: CRMCOM_SERVE_RELEASE is what ``crmcom-kit serve`` takes as
--release, and so on. A server must run it in one process, since the worlds are in memory.
"""

from typing import TYPE_CHECKING

from crmcom_kit.mock_server.cli.options import check
from crmcom_kit.mock_server.cli.serve import log_of, registry_of, serve
from crmcom_kit.mock_server.http.cors import CorsApp
from crmcom_kit.mock_server.http.wsgi_shell import LoggedApp, WsgiShell

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def make_app() -> "WSGIApplication":
    """Return the application that the environment asks for. Raises click.ClickException."""
    options = serve.make_context("serve", []).params
    check(options)
    registry = registry_of(options)
    app: WSGIApplication = WsgiShell(registry)
    if registry.access.origins:
        app = CorsApp(app, registry.access)
    log = log_of(options, registry)
    return app if log is None else LoggedApp(app, registry, log)


app = make_app()
