"""Operations on saved content of a world."""

from typing import Annotated, TypedDict

from crmcom_kit.mock_server.admin.call import Call
from crmcom_kit.mock_server.admin.contract import Count, operation
from crmcom_kit.mock_server.admin.worlds import Begun
from crmcom_kit.mock_server.protocol.typed_schemas import Keywords

SnapshotName = Annotated[
    str,
    Keywords(
        {
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            "x-allowed": "1 to 64 letters, digits, dots, underscores and hyphens, beginning with a "
            "letter or digit",
        }
    ),
]


class Snapshot(TypedDict):
    """A snapshot."""

    name: str
    webhook_requests: Annotated[Count, "Number of webhook requests."]


class Snapshots(TypedDict):
    """Snapshots in the order in which they were first saved."""

    snapshots: list[Snapshot]


@operation("GET /snapshots", "snapshots")
def list_snapshots(call: Call) -> Snapshots:
    """List the snapshots of the world."""
    saved = call.world.snapshots().items()
    return {"snapshots": [{"name": name, "webhook_requests": count} for name, count in saved]}


@operation("PUT /snapshots/{name}", "snapshots")
def save_snapshot(call: Call, name: SnapshotName) -> Snapshot:
    """Save the content under a name.

    Saves webhook requests, reference data, the state of the id generator and the delivery scripts
    with their positions; not tokens, clock, journal and faults. A snapshot with the same name is
    replaced. A world has at most 100 snapshots.
    """
    return {"name": name, "webhook_requests": call.world.save(name)}


@operation("DELETE /snapshots/{name}", "snapshots")
def delete_snapshot(call: Call, name: SnapshotName) -> Snapshots:
    """Delete a snapshot; return the others."""
    call.world.forget(name)
    return list_snapshots(call)


@operation("POST /snapshots/{name}/restore", "snapshots")
def restore_snapshot(call: Call, name: SnapshotName) -> Begun:
    """Replace the content with a snapshot.

    Fixed tokens are valid again; tokens from logins, clock, journal and faults stay. A call that
    began before does not change the new content.
    """
    epoch = call.world.restore(name, expected_epoch=call.epoch)
    return {"epoch": epoch.number, "webhook_requests": len(epoch.store)}
