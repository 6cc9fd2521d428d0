"""What the server touches of uvicorn's inside: that it is there, and means what we need."""

import ast
import asyncio
import re
import sys
from pathlib import Path
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from crmcom_kit.mock_server.http import connection, server

_HEAD = b"POST /p?q HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n"
_HEADERS = [(b"host", b"h"), (b"content-length", b"2")]
_CLIENT = ("127.0.0.1", 9)


class _Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": _CLIENT, "sockname": ("127.0.0.1", 80)})
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def uvicorns(app: Any) -> Any:
    """Return a connection of uvicorn's own, on the running loop, in front of ``app``."""
    config = Config(app, ws="none", lifespan="off", interface="asgi3", log_config=None)
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"now")]
    protocol = HttpToolsProtocol(config, state, {}, asyncio.get_running_loop())
    protocol.connection_made(_Transport())
    return protocol


async def nothing(_scope: Any, _receive: Any, _send: Any) -> None:
    """Return without a response."""


async def streams(_scope: Any, _receive: Any, send: Any) -> None:
    """Send a body of unknown length."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"body", "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def turns() -> None:
    """Let the tasks of the loop run."""
    for _ in range(5):
        await asyncio.sleep(0)


def touched(members: set[str]) -> set[str]:
    """Return the names of ``members`` that the server's code uses as attributes."""
    code = "".join(Path(str(module.__file__)).read_text("utf-8") for module in (connection, server))
    nodes = ast.walk(ast.parse(code))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)} & members


def test_the_list_is_complete() -> None:
    """The docstring names all that the code touches, and nothing else."""

    async def members() -> list[set[str]]:
        protocol = uvicorns(nothing)
        protocol.data_received(_HEAD)
        await turns()
        parts = (protocol, type(protocol.flow), protocol.cycle, protocol.server_state)
        return [{*dir(one)} for one in parts]

    ours = {*dir(object), *dir(asyncio.Protocol)}
    existing = [found - ours for found in asyncio.run(members())]
    text = connection.__doc__ or ""
    parts = re.split("Of uvicorn's protocol|of a flow|of a cycle|of the server's state", text)[1:]
    listed = [{*re.findall(r"``(\w+)``", part)} - {"server"} for part in parts]

    for names, there in zip(listed, existing, strict=True):
        assert names <= there
    assert touched(set().union(*existing)) == set().union(*listed)


def test_what_the_members_hold() -> None:
    """Each holds what a request says, while it arrives and after that."""

    async def check() -> None:
        protocol = uvicorns(streams)
        protocol.data_received(_HEAD + b"x")
        cycle = protocol.cycle
        assert isinstance(cycle, RequestResponseCycle)
        state = protocol.server_state
        held = {
            "loop": (protocol.loop, asyncio.get_running_loop()),
            "client": (protocol.client, _CLIENT),
            "scope": (protocol.scope["path"], "/p"),
            "scope of the cycle": (cycle.scope is protocol.scope, True),
            "url": (protocol.url, b"/p?q"),
            "headers": (protocol.headers, _HEADERS),
            "headers of the scope": (protocol.scope["headers"] is protocol.headers, True),
            "parser": (protocol.parser.get_method(), b"POST"),
            "connections": (state.connections, {protocol}),
            "tasks": (len(state.tasks), 1),
            "default_headers": (cycle.default_headers, state.default_headers),
            "more_body": (cycle.more_body, True),
            "message_event": (cycle.message_event.is_set(), True),
            "keep_alive": (cycle.keep_alive, True),
            "chunked_encoding": (cycle.chunked_encoding, None),
            "expected_content_length": (cycle.expected_content_length, 0),
            "disconnected": (cycle.disconnected, False),
            "response_started": (cycle.response_started, False),
            "response_complete": (cycle.response_complete, False),
        }
        for name, (seen, expected) in held.items():
            assert seen == expected, name
        protocol.data_received(b"y")
        assert not cycle.more_body
        await turns()
        assert cycle.response_started
        assert cycle.response_complete
        assert state.tasks == set()

    asyncio.run(check())


def test_what_setting_them_does() -> None:
    """A response may be omitted, or sent without chunks; a connection may be shut down."""

    async def written(app: Any, **members: Any) -> bytes:
        protocol = uvicorns(app)
        protocol.data_received(_HEAD + b"xy")
        for name, value in members.items():
            assert hasattr(protocol.cycle, name), name
            setattr(protocol.cycle, name, value)
        await turns()
        protocol._unset_keepalive_if_required()  # noqa: SLF001 - what the test is about
        assert protocol.timeout_keep_alive_task is None
        found: bytes = protocol.transport.written
        return found

    async def shut_down() -> bool:
        protocol = uvicorns(nothing)
        protocol.shutdown()
        return bool(protocol.transport.closed)

    old = {"keep_alive": False, "chunked_encoding": False, "expected_content_length": sys.maxsize}
    cases: list[tuple[str, Any, dict[str, Any], bytes]] = [
        ("a response is missed", nothing, {}, rb"HTTP/1.1 500 .*"),
        ("unless the client has left", nothing, {"disconnected": True}, b""),
        ("chunks", streams, {}, rb".*date: now\r\n.*chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"),
        ("no chunks", streams, old, rb".*connection: close\r\n\r\nbody"),
        ("other headers", streams, {"default_headers": [(b"a", b"b")]}, rb".*\r\na: b\r\n.*"),
    ]
    for name, app, members, expected in cases:
        seen = asyncio.run(written(app, **members))
        assert re.fullmatch(expected, seen, re.DOTALL), (name, seen)
    assert asyncio.run(shut_down())
