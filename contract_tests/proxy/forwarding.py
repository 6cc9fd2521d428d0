"""Forward requests to one server, and its responses back, as they come.

Whatever a request says, it reaches the host of the base URL, or nothing. Nothing is retried, no
redirect is followed. Bodies pass in pieces; what is checked of them is a copy.
"""

import re
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.options import CHANGES
from crmcom_kit.contract_tests.proxy.traffic import Copy, Flight, Traffic
from crmcom_kit.contract_tests.targets import is_loopback
from crmcom_kit.redaction import decoded
from crmcom_kit.schemas.methods import API_PATH

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

#: A connection to the server that was idle for so many seconds is not used again.
_IDLE = 5.0
#: Headers that concern one connection alone, besides those that Connection lists.
_HOP_BY_HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization",
    b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
})  # fmt: skip
_WITHOUT_BODY = (204, 304)
_IGNORED = re.compile(r"[\x00-\x20\x7f]")


class Refusal(Exception):
    """A request that the proxy does not forward: it responds itself, with this status and line."""

    def __init__(self, status: int, line: str) -> None:
        """Keep both."""
        super().__init__(line)
        self.status, self.line = status, line


class _ClientLeft(Exception):
    """A client has left before all of its request had come."""


class Forwarding:
    """An ASGI application that forwards requests to the server of a base URL."""

    def __init__(self, base_url: str, traffic: Traffic, *, timeout: float, read_only: bool) -> None:
        """Send nothing yet.

        Args:
            base_url: what stands for ``http://127.0.0.1:PORT/crmapi/rest/v2``.
            traffic: is shown every request and response.
            timeout: seconds to wait for the server, each time that something is awaited from it.
            read_only: refuse resend and delete.
        """
        url = httpx.URL(base_url)
        self._origin, self._prefix = url.copy_with(path="/"), url.raw_path.rstrip(b"/")
        self._traffic = traffic
        self._timeout, self._read_only = timeout, read_only
        self._transport = httpx.AsyncHTTPTransport(
            verify=httpx.create_ssl_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=None, keepalive_expiry=_IDLE),
        )

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._transport.aclose()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            _refuse_foreign(scope["headers"])
            below = _below(scope["raw_path"])
            if self._read_only:
                _refuse_changes(below)
            await self._forward(scope, below, receive, send)
        except Refusal as why:
            await _say(send, why)
        except Exception as error:  # noqa: BLE001 - the next request is served all the same
            self._traffic.crashed(error)

    async def _forward(self, scope: Message, below: bytes, receive: Receive, send: Send) -> None:
        path, query = str(below, "latin-1")[1:], str(scope["query_string"], "latin-1")
        headers = tuple(
            (str(name, "latin-1"), str(value, "latin-1")) for name, value in scope["headers"]
        )
        flight = self._traffic.begin(Call("", scope["method"], path, query, headers=headers))
        try:
            request = self._request(scope, below, _body(receive, flight.sent))
            await self._pass_on(request, flight, send)
        except _ClientLeft:
            return
        finally:
            self._traffic.end(flight)  # without a response, unless there was one

    def _request(self, scope: Message, below: bytes, body: AsyncIterator[bytes]) -> httpx.Request:
        """Return the request that the server gets: to its host, whatever the target is."""
        given = {name for name, _ in scope["headers"]}
        has_body = not given.isdisjoint({b"content-length", b"transfer-encoding"})
        target = self._prefix + below
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        times = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)
        headers = [pair for pair in _end_to_end(scope["headers"]) if pair[0] != b"host"]
        return httpx.Request(
            scope["method"],
            self._origin,
            headers=headers,
            content=body if has_body else None,
            extensions={"target": target, "timeout": times},
        )

    async def _pass_on(self, request: httpx.Request, flight: Flight, send: Send) -> None:
        """Send a request, and its response back. Raises Refusal."""
        host = self._origin.netloc.decode()
        try:
            response = await self._transport.handle_async_request(request)
        except httpx.TimeoutException:
            msg = f"no response from {host} within {self._timeout:g} s"
            raise Refusal(504, msg) from None
        except httpx.LocalProtocolError:
            msg = "not a request that HTTP/1.1 can carry"
            raise Refusal(400, msg) from None
        except httpx.HTTPError as error:
            msg = f"no response from {host}: {type(error).__name__}"
            raise Refusal(502, msg) from None
        try:
            await self._pass_back(response, flight, send)
        except httpx.HTTPError:
            return  # without its end: the client sees that there is more
        finally:
            await response.aclose()

    async def _pass_back(self, response: httpx.Response, flight: Flight, send: Send) -> None:
        status, headers = response.status_code, list(_end_to_end(response.headers.raw))
        if status in _WITHOUT_BODY:  # uvicorn would wait for one
            headers = [pair for pair in headers if pair[0].lower() != b"content-length"]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        length, passed = response.headers.get("content-length", ""), 0
        async for chunk in response.aiter_raw():
            flight.received.add(chunk)
            passed += len(chunk)
            if str(passed) == length:  # the client may act on it before the next line runs
                self._traffic.end(flight, status, response.headers)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._traffic.end(flight, status, response.headers)
        await send({"type": "http.response.body"})


async def _body(receive: Receive, sent: Copy) -> AsyncIterator[bytes]:
    """Yield a request's body as it comes; a copy goes to ``sent``."""
    is_more = True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientLeft
        sent.add(message["body"])
        yield message["body"]
        is_more = message["more_body"]


def _refuse_foreign(headers: Headers) -> None:
    """Refuse what a web page may have sent: it can reach loopback, by DNS rebinding as well.

    Raises Refusal.
    """
    given: dict[bytes, list[str]] = {}
    for name, value in headers:
        given.setdefault(name, []).append(value.decode("latin-1"))
    host, *others = given.get(b"host", [""])
    if others or not is_loopback(_name_in(host)):
        msg = f"the proxy accepts only localhost and addresses like 127.0.0.1; seen host {host!r}"
        raise Refusal(403, msg)
    sites, origins = given.get(b"sec-fetch-site", []), given.get(b"origin", [])
    if {*sites} - {"none", "same-origin"} or {*origins} - {f"http://{host}"}:
        msg = "the proxy refuses web pages of other origins"
        raise Refusal(403, msg)


def _name_in(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _below(path: bytes) -> bytes:
    """Return what a path has below the API's. Raises Refusal: it leads elsewhere."""
    below = path.removeprefix(API_PATH.encode())
    names = re.split(r"[/\\]", _plain(below))
    leads_up = any(each.partition(";")[0] in (".", "..") for each in names)
    if leads_up or below == path or not below.startswith(b"/"):
        msg = f"only paths below {API_PATH}/ are forwarded"
        raise Refusal(404, msg)
    return below


def _refuse_changes(path: bytes) -> None:
    """Refuse a path with the name of a changing method, however a server may read it.

    Raises Refusal.
    """
    words = re.split(r"[^a-z0-9_]+", unicodedata.normalize("NFKC", _plain(path)).casefold())
    if not {*words}.isdisjoint(CHANGES):
        msg = "--read-only: neither resend nor delete is forwarded"
        raise Refusal(403, msg)


def _plain(path: bytes) -> str:
    """Return a path without its coding, and without what a server may drop from it."""
    return _IGNORED.sub("", decoded(path.decode("utf-8", "replace")))


def _end_to_end(headers: Headers) -> Headers:
    """Return the headers that a proxy passes on."""
    listed = b",".join(value for name, value in headers if name.lower() == b"connection")
    dropped = _HOP_BY_HOP.union(each.strip().lower() for each in listed.split(b","))
    return [(name, value) for name, value in headers if name.lower() not in dropped]


async def _say(send: Send, why: Refusal) -> None:
    body = f"crmcom-kit proxy: {why.line}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
    ]
    await send({"type": "http.response.start", "status": why.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
