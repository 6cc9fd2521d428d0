"""The least a WSGI application can do: the bytes of one answer, whatever is asked."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

BODY = Path(os.environ["BENCHMARK_BODY"]).read_bytes()
_HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer."""
    start_response("200 OK", _HEADERS)
    return [BODY]
