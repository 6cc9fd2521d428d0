"""Serves a WSGI application over loopback, for tests that need a target with a URL."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from waitress.server import create_server

from crmcom_kit.schemas import API_PATH

#: What a mock lets in, as the environment variables of a run.
LOGIN = {
    "CRMCOM_USERNAME": "mpadministrator",
    "CRMCOM_PASSWORD": "crmcom-kit",
    "CRMCOM_ORGANISATION": "CRMDEMO",
}


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an application on a free port as long as the block lasts; yield the base URL."""
    server = create_server(
        app, host="127.0.0.1", port=0, threads=4, clear_untrusted_proxy_headers=True
    )
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}{API_PATH}"
    server.close()
