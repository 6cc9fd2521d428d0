"""From a request below /__admin to an operation, and back: guard, checks, answers."""

import hmac
import ipaddress
import re
from collections.abc import Callable
from typing import Any

import orjson
from flask import Blueprint, Response, request

from crmcom_kit.mock_server.control import state
from crmcom_kit.mock_server.control.calls import Call, Reply
from crmcom_kit.mock_server.control.checking import checked_body, checked_path, checked_query
from crmcom_kit.mock_server.control.document import PREFIX, operations
from crmcom_kit.mock_server.loading import DataError
from crmcom_kit.mock_server.misuse import Misuse
from crmcom_kit.mock_server.picking import PICKED
from crmcom_kit.mock_server.tenants import Tenants

Operation = Callable[[Call], Any]
#: What answers each operation of the document, by its id.
OPERATIONS: dict[str, Operation] = {**state.OPERATIONS}
_TOKEN_HEADER = "X-Mock-Admin-Token"


def control_api(tenants: Tenants, *, token: str | None = None) -> Blueprint:
    """Return the control API of the worlds of a server.

    Args:
        tenants: the worlds.
        token: whoever sends it may call from anywhere; without one only loopback may call.
    """
    admin = Blueprint("admin", __name__, url_prefix=PREFIX)

    @admin.before_request
    def guard() -> Response | None:
        return _refusal(token)

    for operation, (verb, path, _) in operations().items():
        rule = re.sub(r"\{(\w+)\}", r"<\1>", path)
        admin.add_url_rule(
            rule, operation, _view(operation, OPERATIONS[operation], tenants), methods=[verb]
        )
    return admin


def _view(operation: str, act: Operation, tenants: Tenants) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        try:
            call = Call(
                tenants=tenants,
                world=request.environ[PICKED],
                path=checked_path(operation, path),
                query=checked_query(operation, request.args.items(multi=True)),
                body=checked_body(operation, request.get_data(cache=False)),
                root=request.script_root,
                origin=request.host_url.removesuffix("/"),
            )
            return _written(act(call))
        except Misuse as misuse:
            return _refused(misuse)
        except DataError as error:
            return _answer({"error": str(error)}, 400)

    return view


def _written(found: Any) -> Response:
    reply = found if isinstance(found, Reply) else Reply(found)
    payload = reply.payload
    if reply.content_type == "application/json" and not isinstance(payload, bytes):
        payload = orjson.dumps(payload)
    return Response(payload, reply.status, reply.headers, content_type=reply.content_type)


def _refused(misuse: Misuse) -> Response:
    return _answer(misuse.facts(), misuse.status)


def _answer(payload: Any, status: int) -> Response:
    return Response(orjson.dumps(payload), status, content_type="application/json")


def _refusal(token: str | None) -> Response | None:
    """Return why a caller may not use the control API; None where it may."""
    if token is not None:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        given = request.headers.get(_TOKEN_HEADER) or (bearer if scheme == "Bearer" else "")
        if hmac.compare_digest(given.strip().encode(), token.encode()):
            return None
        text = f"{PREFIX} wants the token that --admin-token named, in {_TOKEN_HEADER}"
        return _answer({"error": text}, 401)
    if _is_loopback(request.remote_addr):
        return None
    text = f"{PREFIX} answers to loopback addresses only; seen {request.remote_addr}"
    return _answer({"error": text}, 403)


def _is_loopback(address: str | None) -> bool:
    if address is None:  # in process, without a socket
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
