"""The control API below /__admin: health, version, reset. Answers on loopback only."""

import ipaddress
from platform import python_version

from flask import Blueprint, Response, jsonify, request

from crmcom_kit import __version__
from crmcom_kit.mock_server.world import World

PREFIX = "/__admin"


def control_api(world: World) -> Blueprint:
    """Return the control API of ``world``."""
    admin = Blueprint("admin", __name__, url_prefix=PREFIX)

    @admin.before_request
    def only_loopback() -> tuple[Response, int] | None:
        if _is_loopback(request.remote_addr):
            return None
        text = f"{PREFIX} answers to loopback addresses only; seen {request.remote_addr}"
        return jsonify(error=text), 403

    @admin.get("/health")
    def health() -> Response:
        return jsonify(
            status="healthy",
            release=world.release.name,
            dialect=world.dialect.name,
            webhook_requests=len(world.store),
        )

    @admin.get("/version")
    def version() -> Response:
        return jsonify(version=__version__, python=python_version())

    @admin.post("/reset")
    def reset() -> Response:
        """Go back to the start world; tokens from logins still hold."""
        world.reset()
        return jsonify(epoch=world.epoch, webhook_requests=len(world.store))

    return admin


def _is_loopback(address: str | None) -> bool:
    if address is None:  # in process, without a socket
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
