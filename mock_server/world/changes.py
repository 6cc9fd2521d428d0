"""Single objects of a world: a webhook request found or removed, a definition or rule added."""

from itertools import islice
from typing import Literal

from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.reference_data import Directory, Object
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import LocatedEntry, validated
from crmcom_kit.usage_errors import NotFound, UsageError, quoted

ReferenceKind = Literal["webhook_definition", "workflow_rule"]
_SHOWN_NUMBERS = 5  # in a message


def record_named(epoch: Epoch, key: str) -> Record:
    """Return the webhook request with that number, or else that id. Raises NotFound."""
    found = epoch.store.get("number", key) or epoch.store.get("id", key)
    if found is None:
        raise _unknown(epoch, key)
    return found


def _unknown(epoch: Epoch, key: str) -> NotFound:
    count = len(epoch.store)
    numbers = [record.number for record in islice(epoch.store.records(), _SHOWN_NUMBERS)]
    more = f" and {count - len(numbers)} more" if count > len(numbers) else ""
    known = f"{', '.join(numbers)}{more}" if numbers else "it has none"
    allowed = f"number or id of a webhook request of this world: {known}"
    return NotFound("record", seen=quoted(key), allowed=allowed)


def remove_record(epoch: Epoch, key: str) -> Record:
    """Remove a webhook request by number or id, and return it as it last was. Raises NotFound."""
    found = epoch.store.delete("id", record_named(epoch, key).id)
    if found is None:  # deleted meanwhile
        raise _unknown(epoch, key)
    return found


def add_reference(world: World, epoch: Epoch, kind: ReferenceKind, members: Object) -> Object:
    """Add a webhook definition or a workflow rule, and return it; it gets an id if it has none.

    Raises:
        UsageError: its id, name or alternative code is taken.
        NotFound: it refers to something that the world does not have.
        DataError: it does not fit the schema. Nothing has changed then.
    """
    value = dict(members) if "id" in members else {"id": epoch.ids.next(kind), **members}
    (located,) = validated([LocatedEntry({kind: value}, kind)], world.release)

    def new_in(epoch: Epoch) -> list[LocatedEntry]:
        data = epoch.reference_data
        for name in ("id", "name", "alternative_code"):
            given = value.get(name)
            if given is not None and (not given or data.directory(kind).find_any(given)):
                allowed = f"a string that no other {kind} has as id, name or alternative code"
                raise UsageError(name, seen=quoted(given), allowed=allowed)
        if value.get("secret_key_id") is not None:
            _check_reference("secret_key_id", data.keys, value["secret_key_id"])
        for one in value.get("webhook_definition_ids", ()):
            _check_reference("webhook_definition_ids", data.definitions, one)
        return [located]

    world.add(new_in, expected_epoch=epoch)
    added: Object = located.entry[kind]
    return added


def _check_reference(name: str, directory: Directory, wanted: str) -> None:
    if directory.find("id", wanted) is None:
        known = ", ".join(one["id"] for one in islice(directory, _SHOWN_NUMBERS)) or "(none)"
        raise NotFound(name, seen=quoted(wanted), allowed=f"an id in this world: {known}")
