"""Serves a stand-in over a socket of this machine."""

import calendar
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

from werkzeug.serving import WSGIRequestHandler, make_server

from stand_in.server import API_PATH, ORGANISATION, PASSWORD, USERNAME, Clock, StandIn


@dataclass(frozen=True)
class Served:
    """Where a served stand-in is, and who may log in."""

    app: StandIn
    base_url: str
    username: str = USERNAME
    password: str = PASSWORD
    organisation: str = ORGANISATION


class Handler(WSGIRequestHandler):
    """Keeps connections, and writes no log."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_arguments: object) -> None:
        """Write nothing."""


@contextmanager
def served(app: StandIn) -> Iterator[Served]:
    """Serve a stand-in on a free port of 127.0.0.1 as long as the block lasts."""
    if isinstance(app.clock, Clock):
        # Clients compare the end of a JWT with their own clock, so this one must be about right.
        app.clock.seconds = float(calendar.timegm(time.gmtime()))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Served(app, f"http://127.0.0.1:{server.server_port}{API_PATH}")
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
