"""One HTTP connection: uvicorn's protocol, and what it leaves open.

uvicorn parses, pipelines and keeps connections alive. This module limits the head of a request,
responds to what is refused, reads nothing while requests wait, sends head and body in one packet,
streams to HTTP/1.0 without chunks, lets the application end a connection, and serves clients that
close their side first.
"""

import asyncio
import logging
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from crmcom_kit.mock_server.http.endings import status_line

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

#: Maximum bytes of a request's head, and between two parts of its body.
MAX_HEAD_BYTES = 64 * 1024
#: Seconds for which a client that is refused may go on sending.
LINGER_SECONDS = 10
#: Where a request's scope has its connection.
CONNECTION = "crmcom_kit.connection"

_HEAD_TOO_LONG = f"Request line and headers may have at most {MAX_HEAD_BYTES:,} bytes."
_MAX_JOINED = 64 * 1024  # bytes
_SLICE = 4096  # bytes that are parsed at once, and so may become requests that wait
_LOGGER = logging.getLogger(__name__)
_LOGGER.setLevel(logging.ERROR)  # clients learn from the response what is wrong


class _JoiningTransport:
    """A transport that sends together what is written in one step of the event loop.

    uvicorn writes head and body of a response apart, which would be two packets.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []
        self._size = 0
        self.is_closing = transport.is_closing  # asked for each response; the rest is found late

    def write(self, data: bytes) -> None:
        """Send ``data`` at the end of this step, or now if there is much to send."""
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size > _MAX_JOINED:
            self.flush()

    def flush(self) -> None:
        """Send now what is written."""
        parts, self._parts, self._size = self._parts, [], 0
        if parts and not self._transport.is_closing():  # the client may have reset it meanwhile
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        """Close the connection when all is sent."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Flow(FlowControl):
    """The control of a connection's flow, which reads nothing while requests wait."""

    def __init__(self, transport: asyncio.Transport, is_full: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._is_full = is_full

    def resume_reading(self) -> None:
        """Read on, unless what has arrived waits."""
        if not self._is_full():
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """The protocol that a server's event loop makes for each connection."""

    def __init__(
        self,
        config: "Config",
        state: "ServerState",
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Serve the application of ``config``."""
        super().__init__(config, state, {}, loop)
        self.access_log = False  # the application writes its own
        self.logger = _LOGGER
        self._is_half_closed = False  # whether the client has closed its side
        self._refusal: tuple[int, str] | None = None
        self._is_in_message = False  # whether a request has begun to arrive
        self._arrived = memoryview(b"")  # what is not parsed yet
        self._unread = 0  # bytes since the request began or its body last went on
        self._current: Any = None  # the cycle whose turn it is; `cycle` is the last that arrived

    @property
    def is_left(self) -> bool:
        """Whether the client has closed its side, or the connection is at its end."""
        return self._is_half_closed or self.transport.is_closing()

    def end(self) -> None:
        """Close the connection after what has been sent, in the middle of a response or before.

        The application may return without a response.
        """
        self._current.disconnected = True  # so that uvicorn misses no response
        self.transport.close()

    def leave_unframed(self) -> None:
        """Let the response end with ``end``: HTTP/1.0 has no chunks, and its length is not known.

        uvicorn would send chunks.
        """
        self._current.chunked_encoding = False
        self._current.expected_content_length = inf

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        joining: Any = _JoiningTransport(transport, self.loop)  # type: ignore[arg-type]
        super().connection_made(joining)
        self.flow = _Flow(joining, lambda: bool(self.pipeline or self._arrived))

    def data_received(self, data: bytes) -> None:
        """Read what the client has sent."""
        self._unset_keepalive_if_required()
        if self._refusal is None:
            self._arrived = memoryview(bytes(self._arrived) + data if self._arrived else data)
            self._read_on()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Respond to what has arrived whole; return whether the connection stays open for that."""
        self._is_half_closed = True
        if self._is_in_message and self._refusal is None:
            self._refuse(400, "The request ends too early.")
        self.transport.flush()  # type: ignore[attr-defined]  # the loop may close it at once
        # TLS ends as a whole: to ask for half of it has no effect but a warning of asyncio's.
        is_tls = self.transport.get_extra_info("sslcontext") is not None
        return not is_tls and self._is_response_due()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_in_message = True

    def on_headers_complete(self) -> None:
        """Hand the request to the application."""
        self._unread = 0
        if self.parser.should_upgrade():  # `_parse` goes on
            return
        super().on_headers_complete()
        self.scope[CONNECTION] = self  # type: ignore[literal-required]
        if not self.pipeline:
            self._current = self.cycle
        self.headers = []  # not the scope's any more: a trailer is no header

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Finish a request."""
        if not self.parser.should_upgrade():
            self._unread, self._is_in_message = 0, False
            super().on_message_complete()

    # What uvicorn calls.

    def on_response_complete(self) -> None:
        """Go on with the next request, unless this was the last."""
        if self.pipeline:
            self._current = self.pipeline[-1][0]
        super().on_response_complete()
        if self.transport.is_closing():
            return
        self._read_on()
        self.flow.resume_reading()
        if self._is_response_due():
            return
        if self._refusal is not None:
            self._send_refusal(*self._refusal)
        elif self.is_left:
            self.transport.close()

    def shutdown(self) -> None:
        """Close the connection, after the response if one is due; the server ends."""
        super().shutdown()
        if not self._is_response_due():
            self.transport.close()

    def _is_response_due(self) -> bool:
        """Return True if a request has arrived whole whose response is not sent."""
        cycle = self.cycle
        is_last_due = cycle is not None and not (cycle.more_body or cycle.response_complete)
        return bool(self.pipeline) or is_last_due

    def _read_on(self) -> None:
        """Read what has arrived, up to a request that waits for its turn."""
        while self._arrived and not self.pipeline and self._refusal is None:
            data, self._arrived = self._arrived[:_SLICE], self._arrived[_SLICE:]
            self._unread += len(data)
            try:
                self._parse(data)
            except httptools.HttpParserError as error:
                self._refuse(400, f"Invalid HTTP request: {error.__context__ or error}.")
            if self._unread > MAX_HEAD_BYTES and self._refusal is None:
                self._refuse(431, _HEAD_TOO_LONG)

    def _parse(self, data: bytes | memoryview) -> None:
        """Parse what has arrived. Raises HttpParserError.

        The parser takes a request with the header Upgrade, which curl and Java send, to end with
        its head, as if that were accepted. Another one gets the head again without that header.
        """
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
            else:
                return
            verb, version = self.parser.get_method(), self.parser.get_http_version().encode()
            if verb == b"CONNECT":
                self._refuse(400, "Invalid HTTP request: CONNECT is not supported.")
                return
            lines = [b"%b: %b\r\n" % line for line in self.headers if line[0] != b"upgrade"]
            head = b"%b %b HTTP/%b\r\n%b\r\n" % (verb, self.url, version, b"".join(lines))
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
            data = head + bytes(data)

    def _refuse(self, status: int, text: str) -> None:
        """Respond with an error and close, after the responses that are due."""
        self._refusal, self._arrived = (status, text), memoryview(b"")
        if not self._is_response_due():
            self._send_refusal(status, text)

    def _send_refusal(self, status: int, text: str) -> None:
        cycle = self.cycle
        if cycle is not None and cycle.more_body:  # it is this request that is wrong
            if cycle.response_started:
                self.transport.close()
                return
            cycle.disconnected = True  # so that nothing is carried out, or sent behind this
            cycle.message_event.set()
        head = (
            f"HTTP/1.1 {status_line(status)}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(f"{head}{text}".encode())
        if self.is_left or not self.transport.can_write_eof():
            self.transport.close()
            return
        # The system resets a connection that is closed with bytes unread, and the client would
        # lose the response. So it may go on sending for a while.
        self.transport.flush()  # type: ignore[attr-defined]
        self.transport.write_eof()
        self.transport.resume_reading()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
