"""What the mock itself answers, the emulated API apart, where it refuses a call."""

from typing import Any

import orjson
from flask import Response, request
from werkzeug.exceptions import HTTPException

from crmcom_kit.mock_server.usage_errors import UsageError


def error_answer(payload: Any, status: int) -> Response:
    """Return an answer of JSON."""
    return Response(orjson.dumps(payload), status, content_type="application/json")


def refused_call(misuse: UsageError) -> Response:
    """Return the answer to a call that is refused."""
    return error_answer(misuse.facts(), misuse.status)


def nothing_here(error: HTTPException, text: str) -> Response:
    """Return the answer to a path, or a verb, for which there is no view.

    Args:
        error: what Flask found.
        text: the answer's, unless the path is there and other verbs are allowed.
    """
    allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    if allowed:
        text = f"{request.path} does not answer {request.method}; allowed is {allowed}"
    answer = error_answer({"error": text}, error.code or 404)
    if allowed:
        answer.headers["Allow"] = allowed
    return answer
