"""From a request below /__admin to an operation, and back: checks, the operation, the answer."""

import io
import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, cast

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from crmcom_kit.mock_server.admin import (
    clock,
    content,
    deliveries,
    faults,
    fidelity,
    journal,
    journal_waiting,
    reference,
    seeding,
    settings,
    snapshots,
    state,
)
from crmcom_kit.mock_server.admin import receiver as receiving
from crmcom_kit.mock_server.admin import worlds as tenancy
from crmcom_kit.mock_server.admin.access import refusal
from crmcom_kit.mock_server.admin.call import Call, Over, Reply
from crmcom_kit.mock_server.admin.document import PREFIX, document, operations
from crmcom_kit.mock_server.admin.refusals import error_answer, nothing_here, refused_call
from crmcom_kit.mock_server.admin.validation import (
    checked_body,
    checked_path,
    checked_query,
    is_streamed,
    most_bytes,
)
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import TooLarge, UsageError
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.routing import PICKED
from crmcom_kit.mock_server.world.world_file import DataError

_READ_AT_ONCE = 65_536
_LEFT = "waitress.client_disconnected"  # says whether the caller has left, where there is a way
Operation = Callable[[Call], Any]
#: What answers each operation of the document, by its id.
OPERATIONS: dict[str, Operation] = {
    **clock.OPERATIONS,
    **content.OPERATIONS,
    **deliveries.OPERATIONS,
    **faults.OPERATIONS,
    **fidelity.OPERATIONS,
    **journal.OPERATIONS,
    **journal_waiting.OPERATIONS,
    **receiving.OPERATIONS,
    **reference.OPERATIONS,
    **seeding.OPERATIONS,
    **settings.OPERATIONS,
    **snapshots.OPERATIONS,
    **state.OPERATIONS,
    **tenancy.OPERATIONS,
}


def control_app(registry: WorldRegistry) -> Flask:
    """Return the control API of the worlds of a server, as an application of its own."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES

    @app.before_request
    def guard() -> Response | None:
        """Also where there is nothing: a stranger is not told what there is."""
        refused = refusal(request, registry.admin_token, registry.host)
        return None if refused is None else error_answer({"error": refused.text}, refused.status)

    for operation, (verb, path, _) in operations().items():
        rule = PREFIX + re.sub(r"\{(\w+)\}", r"<\1>", path)
        view = _view(operation, OPERATIONS[operation], registry)
        app.add_url_rule(rule, operation, view, methods=[verb])
    for code in (400, 404, 405):  # a Host that no host can have, another path, another verb
        app.register_error_handler(code, _elsewhere)
    return app


def _elsewhere(error: HTTPException) -> Response:
    """Say that the control API has no such path, and which are like it."""
    asked = request.path.removeprefix(PREFIX)
    near = [f"{PREFIX}{one}" for one in get_close_matches(asked, document()["paths"], n=3)]
    hint = f"; nearest: {', '.join(near)}" if near else ""
    path = quoted(request.path)[1:-1]
    return nothing_here(error, f"{path} is not there{hint}; {PREFIX}/docs tells what is")


def _view(operation: str, dispatch: Operation, registry: WorldRegistry) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        try:
            return _written(dispatch(_call(operation, path, registry)))
        except UsageError as misuse:
            return refused_call(misuse)
        except DataError as error:
            return error_answer({"error": str(error)}, 400)
        except RequestEntityTooLarge:
            most = most_bytes(operation) or MAX_BODY_BYTES
            return refused_call(TooLarge("body", seen="more", allowed=f"at most {most:,} bytes"))
        except HTTPException:  # the caller left in the middle of the body
            return refused_call(UsageError("body", seen="a part of it", allowed="all of it"))

    return view


def _call(operation: str, path: dict[str, str], registry: WorldRegistry) -> Call:
    most = most_bytes(operation)
    if most is not None:
        request.max_content_length = most
    world = request.environ[PICKED]
    found = {
        "registry": registry,
        "world": world,
        "epoch": world.current_epoch,
        "over": Over(registry.closing, request.environ.get(_LEFT, bool)),
        "path": checked_path(operation, path),
        "query": checked_query(operation, request.args.items(multi=True)),
        "verb": request.method,
        "headers": dict(request.headers),
        "root": request.script_root,
        "origin": request.host_url.removesuffix("/"),
        "last_event_id": request.headers.get("Last-Event-ID", ""),
    }
    if is_streamed(operation):
        # Buffered, since werkzeug's stream reads lines byte by byte.
        raw_stream = cast("io.RawIOBase", request.stream)
        return Call(stream=io.BufferedReader(raw_stream, _READ_AT_ONCE), **found)
    raw = request.get_data(cache=False)
    return Call(body=checked_body(operation, raw, request.headers.get("Content-Type", "")), **found)


def _written(found: Any) -> Response:
    reply = found if isinstance(found, Reply) else Reply(found)
    payload = reply.payload
    if reply.content_type == "application/json" and isinstance(payload, dict | list):
        payload = orjson.dumps(payload)
    return Response(payload, reply.status, reply.headers, content_type=reply.content_type)
