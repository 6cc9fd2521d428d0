"""One HTTP connection: uvicorn's, with the limits and endings that it leaves open.

uvicorn parses, pipelines and keeps connections alive. Here are the rest: limits of size while a
request arrives, no reading while requests wait for their turn, an answer to everything that is not
HTTP, an end that lets a client read the last response, and one that the application asks for.

Of uvicorn's protocol this and ``server`` touch ``transport``, ``loop``, ``client``,
``server_state``, ``scope``, ``url``, ``headers``, ``parser``, ``access_log``, ``logger``,
``cycle``, ``flow``, ``pipeline``, ``_unset_keepalive_if_required``, ``shutdown``,
``on_message_begin``, ``on_headers_complete``, ``on_body``, ``on_message_complete`` and
``on_response_complete``; of a flow ``resume_reading``;
of a cycle ``scope``, ``disconnected``, ``message_event``, ``more_body``, ``keep_alive``,
``default_headers``, ``chunked_encoding``, ``expected_content_length``, ``response_started`` and
``response_complete``; of the server's state ``connections``, ``tasks`` and ``default_headers``.
A test holds that the list is complete, and what each of them means.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from crmcom_kit.mock_server.http.endings import status_line

if TYPE_CHECKING:
    from uvicorn.config import Config

#: Longest head of a request, in bytes; so much may also stand between two parts of its body.
MAX_HEAD_BYTES = 64 * 1024
#: Seconds for which a client that gets its last response may go on sending.
LINGER_SECONDS = 10
#: Where a request's scope has its connection.
CONNECTION = "crmcom_kit.connection"

#: Takes of a refusal the client, verb and target ("-" where unknown), the status and the reason.
OnRefusal = Callable[[str, str, str, int, str], None]

_ENDS_EARLY = "The request ends too early."
_HEAD_TOO_LONG = f"Request line and headers may have at most {MAX_HEAD_BYTES:,} bytes."
_UNKNOWN_VERSION = "Only HTTP/1 is supported."
_UNKNOWN_CODING = "Transfer-Encoding: only chunked is supported."
_MAX_JOINED = 64 * 1024  # bytes
_SLICE = 4096  # bytes that are parsed at once, and so may become requests that wait
_BETWEEN = 4  # bytes around a header: ": " and the end of its line
_LOGGER = logging.getLogger(__name__)
_LOGGER.setLevel(logging.ERROR)  # what clients do wrong is answered, and needs no line


class Connections(ServerState):
    """The connections of one server."""

    def __init__(self, maximum: int | None, on_refusal: OnRefusal | None = None) -> None:
        """Keep at most ``maximum`` of them, unless all are being answered; None: any number.

        Args:
            maximum: see above.
            on_refusal: called when a connection refuses what it has received.
        """
        super().__init__()
        self.on_refusal = on_refusal
        self._maximum = maximum

    def make_room(self) -> None:
        """Close the connection that has been silent for longest, if there are too many."""
        if self._maximum is None or len(self.connections) <= self._maximum:
            return
        silent: list[Any] = [one for one in self.connections if one.is_waiting_for_client]  # type: ignore[union-attr]
        if silent:
            min(silent, key=lambda one: one.heard_at).transport.end()


class _JoiningTransport:
    """A transport that sends together what is written in one step of the event loop.

    uvicorn writes head and body of a response apart, which would be two packets.
    """

    __slots__ = ("_is_client_sending", "_lingers", "_loop", "_parts", "_size", "_transport")

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        is_client_sending: Callable[[], bool],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._is_client_sending = is_client_sending
        self._lingers = False
        self._parts: list[bytes] = []
        self._size = 0

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
        if self._parts:
            parts, self._parts, self._size = self._parts, [], 0
            if not self._transport.is_closing():  # as it is if the client has reset it meanwhile
                self._transport.write(b"".join(parts))

    def close(self) -> None:
        """Close the connection when all is sent, and the client has stopped sending.

        The system resets a connection that is closed with bytes unread, and the client of a
        request that is refused before its end would lose the response.
        """
        if self._lingers or not self._is_client_sending():
            self.end()
            return
        self._lingers = True
        self.flush()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()
        self._loop.call_later(LINGER_SECONDS, self._transport.close)

    def end(self) -> None:
        """Close the connection when all is sent, whatever the client still sends."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Return True if nothing more is sent."""
        return self._lingers or self._transport.is_closing()

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

    server_state: Connections

    def __init__(
        self, config: "Config", connections: Connections, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Serve the application of ``config``."""
        super().__init__(config, connections, {}, loop)
        self.access_log = False  # the application writes its own
        self.logger = _LOGGER
        #: Whether the client has closed its side.
        self.is_left = False
        #: When the client last sent something, by the loop's clock.
        self.heard_at = 0.0
        self._arrived = memoryview(b"")  # what is not parsed yet
        self._is_in_message = False
        self._unread = 0  # bytes since the request began or its body last went on
        self._refusal: tuple[int, str] | None = None
        self._earlier: list[RequestResponseCycle] = []  # pipelined requests before the last one

    @property
    def is_waiting_for_client(self) -> bool:
        """Whether it is the client's turn: no request, or not all of it, has arrived."""
        return self._is_in_message or self.cycle is None or self.cycle.response_complete

    def end(self, scope: Any) -> None:
        """Close the connection after what has been sent, in the middle of a response or before.

        Args:
            scope: the request's; its application may return without a response.
        """
        self._cycle_of(scope).disconnected = True  # so that uvicorn misses no response
        self.transport.end()  # type: ignore[attr-defined]

    def end_with_body(self, scope: Any) -> None:
        """Send the body without chunks, of which HTTP/1.0 knows nothing; ``end`` has to follow.

        Args:
            scope: the request's; its response has not started.
        """
        cycle = self._cycle_of(scope)
        cycle.keep_alive = cycle.chunked_encoding = False
        cycle.expected_content_length = sys.maxsize
        cycle.default_headers = self.server_state.default_headers

    def _cycle_of(self, scope: Any) -> RequestResponseCycle:
        return next(one for one in (*self._earlier, self.cycle) if one.scope is scope)

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        joining: Any = _JoiningTransport(transport, self.loop, self._is_client_sending)  # type: ignore[arg-type]
        super().connection_made(joining)
        self.flow = _Flow(joining, self._is_full)
        self.heard_at = self.loop.time()
        self.server_state.make_room()

    def data_received(self, data: bytes) -> None:
        """Read what the client has sent."""
        self.heard_at = self.loop.time()
        if not self._is_done():
            self._arrived = memoryview(bytes(self._arrived) + data if self._arrived else data)
            self._read_on()

    def _read_on(self) -> None:
        """Read what has arrived, up to a request that waits for its turn."""
        while self._arrived and not self.pipeline and not self._is_done():
            piece, self._arrived = self._arrived[:_SLICE], self._arrived[_SLICE:]
            self._read(piece)

    def _is_done(self) -> bool:
        return self._refusal is not None or self.transport.is_closing()

    def _is_full(self) -> bool:
        return bool(self.pipeline or self._arrived)

    def _is_client_sending(self) -> bool:
        return not self.is_left and (self._is_in_message or self._refusal is not None)

    def _read(self, data: memoryview) -> None:
        """Read a piece of what the client has sent."""
        self._unread += len(data)
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except httptools.HttpParserCallbackError:  # raised here or for a target
            self._refuse(*(self._refusal or (400, "Invalid HTTP request.")))
        except httptools.HttpParserError as error:
            self._refuse(400, f"Invalid HTTP request: {error}.")
        if self._unread > MAX_HEAD_BYTES and self._refusal is None:
            self._refuse(431, _HEAD_TOO_LONG)

    def _parse(self, rest: memoryview) -> None:
        """Parse what has arrived. Raises HttpParserError.

        The parser takes a request with the header Upgrade to end with its head, as if the upgrade
        were accepted. Another one gets the head again without that header, and then what follows.
        """
        while rest:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]
                head = self._head_without_upgrade()
                # Another one: after a request that closes the connection, this one reads nothing.
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
                self.parser.feed_data(head)
            else:
                break

    def _head_without_upgrade(self) -> bytes:
        verb, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if verb == b"CONNECT":
            msg = "CONNECT is not supported"
            raise httptools.HttpParserError(msg)
        head = [verb, b" ", self.url, b" HTTP/", version, b"\r\n"]
        for name, value in self.headers:
            if name != b"upgrade":
                head += [name, b": ", value, b"\r\n"]
        return b"".join([*head, b"\r\n"])

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer what has arrived whole; return whether the connection stays open for that."""
        self.is_left = True
        if self._is_in_message and self._refusal is None:
            self._refuse(400, _ENDS_EARLY)
        self.transport.flush()  # type: ignore[attr-defined]  # the loop may close it at once
        # TLS ends as a whole: to ask for half of it has no effect but a warning of asyncio's.
        is_tls = self.transport.get_extra_info("sslcontext") is not None
        return not is_tls and self.cycle is not None and not self.cycle.response_complete

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.is_left = True
        super().connection_lost(exc)
        for cycle in self._earlier:  # uvicorn tells only the last one
            cycle.disconnected = True
            cycle.message_event.set()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_in_message = True
        self.scope[CONNECTION] = self  # type: ignore[literal-required]

    def on_headers_complete(self) -> None:
        """Hand the request to the application."""
        if self._unread > MAX_HEAD_BYTES:  # of which some may be body already
            size = sum(len(name) + len(value) + _BETWEEN for name, value in self.headers)
            if size + len(self.url) > MAX_HEAD_BYTES:
                self._refusal = 431, _HEAD_TOO_LONG
                raise ValueError(_HEAD_TOO_LONG)
        self._unread = 0
        codings = [value for name, value in self.headers if name == b"transfer-encoding"]
        if codings and b",".join(codings).strip().lower() != b"chunked":
            self._refusal = 501, _UNKNOWN_CODING
            raise ValueError(_UNKNOWN_CODING)
        if self.parser.get_http_version() not in ("1.1", "1.0"):
            self._refusal = 505, _UNKNOWN_VERSION
            raise ValueError(_UNKNOWN_VERSION)
        if self.parser.should_upgrade():  # `_parse` goes on
            return
        before = self.cycle
        super().on_headers_complete()
        self.headers = []  # not the scope's any more: a trailer is no header
        if self.scope["http_version"] == "1.0" and self.parser.should_keep_alive():
            self.cycle.keep_alive = True
            kept = (b"connection", b"keep-alive")
            self.cycle.default_headers = [*self.cycle.default_headers, kept]
        if before is not None and not before.response_complete:
            self._earlier.append(before)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Finish a request."""
        if self.parser.should_upgrade():
            return
        self._unread = 0
        self._is_in_message = False
        super().on_message_complete()

    # What uvicorn calls.

    def on_response_complete(self) -> None:
        """Go on with the next request, unless this was the last."""
        super().on_response_complete()
        if self._earlier:
            self._earlier = [one for one in self._earlier if not one.response_complete]
        self._read_on()
        self.flow.resume_reading()
        if self.cycle.response_complete:  # that of the last request that has arrived
            if self._refusal is not None:
                self._send_refusal()
            elif self.is_left:
                self.transport.close()

    def shutdown(self) -> None:
        """Close the connection, after the response if one is due; the server ends."""
        if self._is_in_message:
            self.transport.end()  # type: ignore[attr-defined]
        else:
            super().shutdown()

    def _refuse(self, status: int, text: str) -> None:
        """Answer with an error and close, after the responses that are due."""
        self._refusal = status, text
        cycle = self.cycle
        if cycle is None or (cycle.response_complete and not cycle.more_body):
            self._send_refusal()
        elif cycle.more_body:  # it is this request that is wrong
            if cycle.response_started:
                self.transport.close()
            else:
                self._send_refusal()

    def _send_refusal(self) -> None:
        if self._refusal is None or self.transport.is_closing():
            return
        status, text = self._refusal
        head = (
            f"HTTP/1.1 {status_line(status)}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(f"{head}{text}".encode())
        self.transport.close()
        report = self.server_state.on_refusal
        if report is not None and text is not _ENDS_EARLY:  # clients that leave get no line at all
            client, verb, target = self.client[0] if self.client else "-", "-", "-"
            if self._is_in_message and self.url.startswith(b"/"):
                verb, target = self.parser.get_method().decode(), self.url.decode("latin-1")
            report(client, verb, target, status, text)
