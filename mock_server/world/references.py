"""Whether webhook definitions and workflow rules that are to be added fit a world."""

from collections.abc import Iterator, Sequence

from crmcom_kit.mock_server.world.reference_data import Object, ReferenceData
from crmcom_kit.mock_server.world.world_file import REFERENCES, DataError, LocatedEntry
from crmcom_kit.usage_errors import phrase, quoted

_DEFINITION = "webhook_definition"
_NAMES = ("id", "name", "alternative_code")
_SHOWN_IDS = 5  # in a message


def check_references(data: ReferenceData, entries: Sequence[LocatedEntry]) -> None:
    """Check the definitions and rules among entries that are to be added to reference data.

    Raises:
        DataError: a name is taken, or something that one refers to does not exist.
    """
    if not any(kind in one.entry for one in entries for kind in REFERENCES):
        return
    keys = {each["id"] for each in (*data.keys, *_of_kind("secret_key", entries))}
    definitions = {each["id"] for each in (*data.definitions, *_of_kind(_DEFINITION, entries))}
    grown = data.copy()
    for one in entries:
        ((kind, value),) = one.entry.items()
        if kind in REFERENCES and grown.directory(kind).find("id", value["id"]) is None:
            _check_names(grown, kind, value, one.place)
            if value.get("secret_key_id") is not None:
                _check_id("secret_key_id", value["secret_key_id"], keys, one.place)
            for wanted in value.get("webhook_definition_ids", ()):
                _check_id("webhook_definition_ids", wanted, definitions, one.place)
            grown.directory(kind).add(value)


def _of_kind(kind: str, entries: Sequence[LocatedEntry]) -> Iterator[Object]:
    return (one.entry[kind] for one in entries if kind in one.entry)


def _check_names(data: ReferenceData, kind: str, value: Object, place: str) -> None:
    for name in _NAMES:
        given = value.get(name)
        if given is not None and (not given or data.directory(kind).find_any(given)):
            allowed = f"a string that no other {kind} has as id, name or alternative code"
            msg = f"{place}: {phrase(name, quoted(given), allowed)}"
            raise DataError(msg)


def _check_id(name: str, wanted: str, known: set[str], place: str) -> None:
    if wanted not in known:
        some = ", ".join(sorted(known)[:_SHOWN_IDS]) or "(none)"
        msg = f"{place}: {phrase(name, quoted(wanted), f'an id in this world: {some}')}"
        raise DataError(msg)
