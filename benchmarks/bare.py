"""Two applications that only return a constant body: a bare ASGI one, and the usual Flask stub."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

# Not imported from ``processes``, whose imports would count as this server's start and memory.
_BODY = (Path(__file__).parent / ".work" / "show.json").read_bytes()
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_BODY)).encode()),
]


async def asgi(_scope: dict[str, Any], _receive: Any, send: Callable[..., Any]) -> None:
    """Respond as an ASGI application."""
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


def flask_stub() -> "Flask":
    """Return the stub that people write if they have no mock: one route, a constant response."""
    from flask import Flask, Response

    app = Flask("stub")

    @app.get("/crmapi/rest/v2/webhook_requests/show")
    def show() -> Response:
        return Response(_BODY, mimetype="application/json")

    return app
