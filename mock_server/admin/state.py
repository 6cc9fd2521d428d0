"""Operations on a world as a whole: health, version, reset."""

from platform import python_version
from typing import Any

from crmcom_kit import __version__
from crmcom_kit.mock_server.admin.call import Call


def health(call: Call) -> Any:
    """Say that the mock runs, and with what."""
    world = call.world
    return {
        "status": "healthy",
        "release": world.release.name,
        "dialect": world.dialect.name,
        "world": world.name,
        "epoch": world.epoch,
        "webhook_requests": len(world.store),
    }


def version(call: Call) -> Any:
    """Say which version it is."""
    del call
    return {"version": __version__, "python": python_version()}


def reset(call: Call) -> Any:
    """Go back to the start of the world; tokens from logins still hold."""
    epoch = call.world.reset()
    return {"epoch": epoch.number, "webhook_requests": len(epoch.store)}


OPERATIONS = {"health": health, "version": version, "reset": reset}
