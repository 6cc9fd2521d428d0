"""The least that a server can do: constant bytes, as ASGI, as WSGI and from one Flask route."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

BODY = Path(os.environ["BENCHMARK_BODY"]).read_bytes()
_HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in _HEADERS]


async def asgi(_scope: dict[str, Any], _receive: Any, send: Callable[..., Any]) -> None:
    """Answer as an ASGI application."""
    await send({"type": "http.response.start", "status": 200, "headers": _RAW_HEADERS})
    await send({"type": "http.response.body", "body": BODY})


def wsgi(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer as a WSGI application."""
    start_response("200 OK", _HEADERS)
    return [BODY]


def flask_stub() -> "Flask":
    """Return the stub that people write when they have no mock: one route, a constant answer."""
    from flask import Flask, Response

    app = Flask("stub")

    @app.get("/crmapi/rest/v2/webhook_requests/show")
    def show() -> Response:
        return Response(BODY, mimetype="application/json")

    return app
