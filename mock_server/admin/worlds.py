"""Operations on the worlds of the server."""

from typing import Any

from crmcom_kit.mock_server.admin.call import Call


def list_worlds(call: Call) -> Any:
    """List the worlds that there are, the default one first."""
    registry = call.registry
    worlds = [
        {
            "name": one.world.name,
            "epoch": one.world.epoch,
            "webhook_requests": len(one.world.store),
            "calls": one.world.journal.last,
            "idle_seconds": None if one.idle is None else round(one.idle, 3),
        }
        for one in registry.worlds()
    ]
    return {"worlds": worlds, "most": registry.most, "idle_seconds": registry.idle_seconds}


def end_world(call: Call) -> Any:
    """Forget a world; its next use makes it anew."""
    call.registry.end(call.path["world"])
    return {"ended": 1}


def end_worlds(call: Call) -> Any:
    """Forget all worlds but the default one."""
    return {"ended": call.registry.end_all()}


OPERATIONS = {"listWorlds": list_worlds, "endWorld": end_world, "endWorlds": end_worlds}
