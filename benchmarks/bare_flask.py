"""The least a Flask application can do: one route, and the bytes of one answer."""

import os
from pathlib import Path

from flask import Flask, Response

BODY = Path(os.environ["BENCHMARK_BODY"]).read_bytes()
app = Flask(__name__)


@app.get("/crmapi/rest/v2/webhook_requests/show")
def show() -> Response:
    """Answer."""
    return Response(BODY, mimetype="application/json")
