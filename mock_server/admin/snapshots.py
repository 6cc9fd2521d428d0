"""Operations on snapshots: what a world holds, kept under a name to go back to."""

from typing import Any

from crmcom_kit.mock_server.admin.call import Call


def list_snapshots(call: Call) -> Any:
    """List the snapshots of the world."""
    kept = call.world.snapshots().items()
    return {"snapshots": [{"name": name, "webhook_requests": count} for name, count in kept]}


def save_snapshot(call: Call) -> Any:
    """Keep what the world holds under a name."""
    name = call.path["name"]
    return {"name": name, "webhook_requests": call.world.save(name)}


def restore_snapshot(call: Call) -> Any:
    """Begin an epoch with what was kept."""
    epoch = call.world.restore(call.path["name"], begun=call.epoch)
    return {"epoch": epoch.number, "webhook_requests": len(epoch.store)}


def delete_snapshot(call: Call) -> Any:
    """Forget what was kept."""
    call.world.forget(call.path["name"])
    return list_snapshots(call)


OPERATIONS = {
    "listSnapshots": list_snapshots,
    "saveSnapshot": save_snapshot,
    "restoreSnapshot": restore_snapshot,
    "deleteSnapshot": delete_snapshot,
}
