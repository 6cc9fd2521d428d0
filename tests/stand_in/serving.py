"""Serves a stand-in over a socket of this machine."""

import calendar
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from stand_in.reading import Request
from stand_in.server import API_PATH, ORGANISATION, PASSWORD, USERNAME, Clock, StandIn


@dataclass(frozen=True)
class Served:
    """Where a served stand-in is, and who may log in."""

    app: StandIn
    base_url: str
    username: str = USERNAME
    password: str = PASSWORD
    organisation: str = ORGANISATION


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the stand-in."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Apache-Coyote/1.1", ""
    wbufsize = -1  # head and body in one packet
    disable_nagle_algorithm = True
    timeout = 30
    app: StandIn

    def answer(self) -> None:
        """Answer one request."""
        path, _, query = self.path.partition("?")
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.app.handle(Request(self.command, path, query, headers, body))
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Take every verb that http.server looks for as ``do_VERB``."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, *_arguments: object) -> None:
        """Write no log."""


class ServerOfOne(ThreadingHTTPServer):
    """A server whose threads end with the process."""

    daemon_threads = True
    block_on_close = False


@contextmanager
def served(app: StandIn) -> Iterator[Served]:
    """Serve a stand-in on a free port of 127.0.0.1 as long as the block lasts."""
    if isinstance(app.clock, Clock):
        # Clients compare the end of a JWT with their own clock, so this one must be about right.
        app.clock.seconds = float(calendar.timegm(time.gmtime()))
    handler = type("HandlerOfOne", (Handler,), {"app": app})
    with ServerOfOne(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield Served(app, f"http://127.0.0.1:{server.server_address[1]}{API_PATH}")
        finally:
            server.shutdown()
            thread.join(10)
