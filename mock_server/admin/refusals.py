"""Responses of the mock itself, outside the emulated API, to requests that it refuses."""

from typing import Any

import orjson
from flask import Response, request
from werkzeug.exceptions import HTTPException

from crmcom_kit.usage_errors import UsageError


def json_response(payload: Any, status: int) -> Response:
    """Return a response with a JSON body."""
    return Response(orjson.dumps(payload), status, content_type="application/json")


def refused_call(error: UsageError) -> Response:
    """Return the response to a request that is refused."""
    return json_response(error.facts(), error.status)


def nothing_here(error: HTTPException, text: str) -> Response:
    """Return the response to a path or verb without a view.

    Args:
        error: Flask's error.
        text: the message, unless the path exists and other verbs are allowed.
    """
    allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    if allowed:
        text = f"{request.path} does not support {request.method}; allowed is {allowed}"
    response = json_response({"error": text}, error.code or 404)
    if allowed:
        response.headers["Allow"] = allowed
    return response
