"""One HTTP connection: uvicorn's protocol, with additions.

uvicorn parses, pipelines and keeps connections alive. This module limits the head of a request,
responds to invalid requests, reads nothing while requests wait, sends head and body in one packet,
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
#: Seconds for which a refused client may continue to send.
LINGER_SECONDS = 10
#: The key under which a request's scope has its connection.
CONNECTION = "crmcom_kit.connection"

_HEAD_TOO_LONG = f"Request line and headers may have at most {MAX_HEAD_BYTES:,} bytes."
_MAX_JOINED = 64 * 1024  # bytes
_SLICE = 4096  # bytes to parse at once; they may contain requests that then wait
_LOGGER = logging.getLogger(__name__)
_LOGGER.setLevel(logging.ERROR)  # the response tells the client what is wrong


class _JoiningTransport:
    """A transport that joins the writes of one step of the event loop.

    uvicorn writes head and body of a response separately, which would be two packets.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []
        self._size = 0
        self.is_closing = transport.is_closing  # copied since every response uses it

    def write(self, data: bytes) -> None:
        """Send ``data`` at the end of this step, or now if there is much data."""
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size > _MAX_JOINED:
            self.flush()

    def flush(self) -> None:
        """Send all data now."""
        parts, self._parts, self._size = self._parts, [], 0
        if parts and not self._transport.is_closing():  # the client may have reset it
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        """Close the connection after sending all data."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Flow(FlowControl):
    """The flow control of a connection, which reads nothing while requests wait."""

    def __init__(self, transport: asyncio.Transport, is_full: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._is_full = is_full

    def resume_reading(self) -> None:
        """Continue to read, unless requests wait."""
        if not self._is_full():
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """The protocol that a server's event loop makes for each connection."""

    def __init__(
        self, config: "Config", state: "ServerState", loop: asyncio.AbstractEventLoop
    ) -> None:
        """Serve the application of ``config``."""
        super().__init__(config, state, {}, loop)
        self.access_log = False  # the application writes one
        self.logger = _LOGGER
        self._is_half_closed = False  # True: the client has closed its side
        self._refusal: tuple[int, str] | None = None
        self._is_in_message = False  # True: a part of a request has arrived
        self._buffer = memoryview(b"")  # bytes to parse
        self._head_size = 0  # bytes since the start of the request or the last part of its body
        self._current_cycle: Any = None  # whose turn it is; `cycle` is the last

    @property
    def has_left(self) -> bool:
        """True if the client has closed its side, or the connection is closing."""
        return self._is_half_closed or self.transport.is_closing()

    def end(self) -> None:
        """Close the connection after the data sent so far, in the middle of a response or before.

        The application may return without a response.
        """
        self._current_cycle.disconnected = True  # so that uvicorn expects no response
        self.transport.close()

    def leave_unframed(self) -> None:
        """Let ``end`` end the response, whose length is not known: HTTP/1.0 has no chunks.

        uvicorn would send chunks.
        """
        self._current_cycle.chunked_encoding = False
        self._current_cycle.expected_content_length = inf

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start with an open connection."""
        joining_transport: Any = _JoiningTransport(transport, self.loop)  # type: ignore[arg-type]
        super().connection_made(joining_transport)
        self.flow = _Flow(joining_transport, lambda: bool(self.pipeline or self._buffer))

    def data_received(self, data: bytes) -> None:
        """Parse data that has arrived."""
        self._unset_keepalive_if_required()
        if self._refusal is None:
            self._buffer = memoryview(bytes(self._buffer) + data if self._buffer else data)
            self._parse_buffer()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Respond to complete requests; return True if the connection stays open for that."""
        self._is_half_closed = True
        if self._is_in_message and self._refusal is None:
            self._refuse(400, "The request ends too early.")
        self.transport.flush()  # type: ignore[attr-defined]  # the loop may close it at once
        return self._is_response_due()

    # Called by the parser.

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_in_message = True

    def on_headers_complete(self) -> None:
        """Hand the request to the application."""
        self._head_size = 0
        if self.parser.should_upgrade():  # `_parse` continues
            return
        super().on_headers_complete()
        self.scope[CONNECTION] = self  # type: ignore[literal-required]
        if not self.pipeline:
            self._current_cycle = self.cycle
        self.headers = []  # a new list: trailers must not be added to the scope

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._head_size = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Finish a request."""
        if not self.parser.should_upgrade():
            self._head_size, self._is_in_message = 0, False
            super().on_message_complete()

    # Called by uvicorn.

    def on_response_complete(self) -> None:
        """Continue with the next request, unless this was the last."""
        if self.pipeline:
            self._current_cycle = self.pipeline[-1][0]
        super().on_response_complete()
        if self.transport.is_closing():
            return
        self._parse_buffer()
        self.flow.resume_reading()
        if self._is_response_due():
            return
        if self._refusal is not None:
            self._send_refusal(*self._refusal)
        elif self.has_left:
            self.transport.close()

    def shutdown(self) -> None:
        """Close the connection, after a response that is due, since the server ends."""
        super().shutdown()
        if not self._is_response_due():
            self.transport.close()

    def _is_response_due(self) -> bool:
        """Return True if a complete request has not got its response."""
        cycle = self.cycle
        is_last_due = cycle is not None and not (cycle.more_body or cycle.response_complete)
        return bool(self.pipeline) or is_last_due

    def _parse_buffer(self) -> None:
        """Parse the buffer, up to a request that waits for its turn."""
        while self._buffer and not self.pipeline and self._refusal is None:
            data, self._buffer = self._buffer[:_SLICE], self._buffer[_SLICE:]
            self._head_size += len(data)
            try:
                self._parse(data)
            except httptools.HttpParserError as error:
                self._refuse(400, f"Invalid HTTP request: {error.__context__ or error}.")
            if self._head_size > MAX_HEAD_BYTES and self._refusal is None:
                self._refuse(431, _HEAD_TOO_LONG)

    def _parse(self, data: bytes | memoryview) -> None:
        """Parse data. Raises HttpParserError.

        The parser ends a request with the header Upgrade, which curl and Java send, after its head,
        as if the upgrade were accepted. A new parser gets the head again without that header.
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
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            data = head + bytes(data)

    def _refuse(self, status: int, text: str) -> None:
        """Respond with an error and close, after responses that are due."""
        self._refusal, self._buffer = (status, text), memoryview(b"")
        if not self._is_response_due():
            self._send_refusal(status, text)

    def _send_refusal(self, status: int, text: str) -> None:
        cycle = self.cycle
        if cycle is not None and cycle.more_body:  # this request is invalid
            if cycle.response_started:
                self.transport.close()
                return
            cycle.disconnected = True  # so that it is not carried out, and nothing follows
            cycle.message_event.set()
        head = (
            f"HTTP/1.1 {status_line(status)}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(f"{head}{text}".encode())
        if self.has_left or not self.transport.can_write_eof():
            self.transport.close()
            return
        # The system resets a connection that is closed with unread bytes, and the client would
        # lose the response. So it may continue to send for a while.
        self.transport.flush()  # type: ignore[attr-defined]
        self.transport.write_eof()
        self.transport.resume_reading()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
