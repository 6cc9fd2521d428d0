"""Serve requests below /__admin: check access and parameters, call the operation, respond."""

import io
import json
import re
from difflib import get_close_matches
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from crmcom_kit.mock_server.admin import LARGE_BODIES, MAX_LARGE_BODY_BYTES
from crmcom_kit.mock_server.admin.access import refusal, world_of
from crmcom_kit.mock_server.admin.contract import OPERATIONS, Call, Operation, Reply
from crmcom_kit.mock_server.admin.document import document
from crmcom_kit.mock_server.admin.reference import reference_page
from crmcom_kit.mock_server.admin.validation import read_json_body, typed_parameters
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES
from crmcom_kit.mock_server.world.registry import CONTROL, WorldRegistry, is_control
from crmcom_kit.removed_names import remedy
from crmcom_kit.usage_errors import TooLarge, UsageError, escaped

#: The key under which a WSGI environ has the world that the request is for.
WORLD_KEY = "crmcom_kit.world"
#: The key under which a WSGI environ has that world's name.
WORLD_NAME_KEY = "crmcom_kit.world_name"
#: The key under which a WSGI environ may have a function that returns True if the client has left.
CLIENT_LEFT = "crmcom_kit.client_left"
_READ_BYTES = 65_536


class _Record(BaseConverter):
    """The number or id of a webhook request, which may have slashes: servers decode %2F."""

    regex = ".+"
    part_isolating = False


def add_control_api(app: Flask, registry: WorldRegistry) -> None:
    """Let an application serve the control API for the worlds of a server."""
    app.url_map.merge_slashes = False
    app.url_map.converters["record"] = _Record
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES

    @app.before_request
    def guard() -> Response | None:
        """Refuse callers without access, on unknown paths too; find the world."""
        if is_control(request.path):
            error = refusal(request, registry)
            if error is not None:
                text, status = error
                return response_of(Reply({"error": text}, status))
            environ = request.environ
            environ[WORLD_KEY] = world_of(request, registry, environ[WORLD_NAME_KEY])
        return None

    for operation in OPERATIONS.values():
        path = operation.path.replace("{record}", "{record:record}")
        app.add_url_rule(
            CONTROL + path.replace("{", "<").replace("}", ">"),
            f"control_{operation.id}",
            partial(_respond, operation, registry),
            methods=[operation.verb],
        )
    page = reference_page("control API")
    app.add_url_rule(f"{CONTROL}/docs", "control_docs", lambda: response_of(page))
    app.register_error_handler(UsageError, _refuse)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(ClientDisconnected, _incomplete)


def not_found(error: HTTPException) -> Response:
    """Return the response to an unknown path or verb; it names similar paths."""
    unknown_path = request.path.removeprefix(CONTROL)
    similar_paths = [
        f"{CONTROL}{path}" for path in get_close_matches(unknown_path, document()["paths"], n=3)
    ]
    hint = f"; nearest: {', '.join(similar_paths)}" if similar_paths else ""
    hint = remedy("/" + unknown_path.strip("/").partition("/")[0]) or hint
    path = escaped(request.path)
    return no_view(error, f"{path} does not exist{hint}; {CONTROL}/docs lists all paths")


def no_view(error: HTTPException, text: str) -> Response:
    """Return the response to a path or verb without a view.

    Args:
        error: Flask's error.
        text: the message, unless the path exists and other verbs are allowed.
    """
    allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    headers = (("Allow", allowed),) if allowed else ()
    if allowed:
        text = f"{request.path} does not support {request.method}; allowed is {allowed}"
    if is_control(request.path):
        _add_unexpected(text)
    return response_of(Reply({"error": text}, error.code or 404, headers=headers))


def _refuse(error: UsageError) -> Response:
    """Return the response to an invalid request; strict tests fail for it.

    They accept not found and limit exceeded: a test may provoke these.
    """
    if error.status == HTTPStatus.BAD_REQUEST:
        _add_unexpected(str(error))
    return response_of(Reply(error.facts(), error.status))


def _add_unexpected(problem: str) -> None:
    """Note an invalid request for strict tests."""
    world = request.environ.get(WORLD_KEY)
    if world is not None:
        call = f"{request.method} {request.path.removeprefix(CONTROL)}"
        world.current_epoch.expectations.add_unexpected(f"control API, {escaped(call)}: {problem}")


def _too_large(_: RequestEntityTooLarge) -> Response:
    allowed = f"at most {request.max_content_length:,} bytes"
    return _refuse(TooLarge("body", seen="more", allowed=allowed))


def _incomplete(_: ClientDisconnected) -> Response:
    return _refuse(UsageError("body", seen="only a part", allowed="the whole body"))


def _respond(operation: Operation, registry: WorldRegistry, **path: str) -> Response:
    call, arguments = _call(operation, registry, path)
    result = operation.function(call, **arguments)
    return response_of(result if isinstance(result, Reply) else Reply(result, operation.status))


def response_of(reply: Reply[Any]) -> Response:
    """Return the response of a reply."""
    payload = reply.payload
    if isinstance(payload, dict):
        payload = _json(payload)
    return Response(payload, reply.status, reply.headers, content_type=reply.content_type)


#: In UTF-8: C1 controls, line separators, and characters that reverse the direction of text.
_UNPRINTABLE = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")


def _json(payload: dict[str, Any]) -> bytes:
    try:
        return _UNPRINTABLE.sub(_escape, orjson.dumps(payload))
    except TypeError:  # orjson refuses integers of more than 64 bits, and surrogates
        return json.dumps(payload, separators=(",", ":")).encode()


def _escape(character: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(character[0].decode())


def _call(
    operation: Operation, registry: WorldRegistry, path: dict[str, str]
) -> tuple[Call, dict[str, Any]]:
    """Return the call that a request makes, and the arguments of its operation."""
    if request.path in LARGE_BODIES:
        request.max_content_length = MAX_LARGE_BODY_BYTES
    world = request.environ[WORLD_KEY]
    client_left, closing = request.environ.get(CLIENT_LEFT, bool), registry.closing
    call = Call(
        registry=registry,
        world=world,
        epoch=world.current_epoch,
        is_over=lambda: closing.is_set() or client_left(),
        root=request.script_root,
        origin=request.host_url.removesuffix("/"),
        # Buffered, since werkzeug's stream reads lines byte by byte.
        stream=io.BufferedReader(cast("io.RawIOBase", request.stream), _READ_BYTES),
    )
    arguments = {
        **typed_parameters(operation, "path", path.items()),
        **typed_parameters(operation, "query", request.args.items(multi=True)),
    }
    if operation.stream is None:
        body = read_json_body(operation, call.stream.read())
        if body is not None:
            arguments["body"] = body
    return call, arguments
