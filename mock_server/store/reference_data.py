"""The objects that the records of a world refer to: units, users, definitions, rules, keys."""

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import chain
from typing import Any

import orjson

from crmcom_kit.usage_errors import NotFound, quoted

Object = dict[str, Any]


def is_effective(value: Object) -> bool:
    """Return True if a definition or rule is EFFECTIVE, which is also the default."""
    return not str(value.get("life_cycle_state") or "").startswith("NOT")


def name_of(value: Object) -> str:
    """Return the name of a definition or rule; its id if records show no name."""
    return str(value.get("name") or value["id"])


class Directory:
    """Objects of one kind, by their identifier fields."""

    def __init__(self, *names: str) -> None:
        """Start empty; ``names`` are the members that name an object, besides its id."""
        self._objects: dict[str, dict[str, Object]] = {field: {} for field in ("id", *names)}

    def add(self, value: Object) -> None:
        """Add or replace an object by its id; the first object with a name keeps the name."""
        for field, by_name in self._objects.items():
            name = value.get(field)
            if name is not None and by_name.setdefault(name, value)["id"] == value["id"]:
                by_name[name] = value

    def find(self, field: str, name: str) -> Object | None:
        """Return the object whose ``field`` is ``name``."""
        return self._objects[field].get(name)

    def find_any(self, name: str) -> Object | None:
        """Return the object with that id, or else with that name or alternative code."""
        return next((by_name[name] for by_name in self._objects.values() if name in by_name), None)

    def __iter__(self) -> Iterator[Object]:
        """Iterate over the objects in the order of their addition."""
        return iter(self._objects["id"].values())

    def copy(self) -> "Directory":
        """Return an independent directory with the same objects."""
        clone = Directory()
        clone._objects = {field: by_name.copy() for field, by_name in self._objects.items()}
        return clone


class ReferenceData:
    """The objects that the webhook requests of a world refer to, and its users."""

    def __init__(self) -> None:
        """Start empty."""
        self.units = Directory("name", "alternative_code")
        self.users = Directory("username")
        self.definitions = Directory("name", "alternative_code")
        self.rules = Directory("name", "alternative_code")
        self.keys = Directory()

    def copy(self) -> "ReferenceData":
        """Return independent reference data with the same objects."""
        clone = ReferenceData()
        for name, directory in vars(self).items():
            setattr(clone, name, directory.copy())
        return clone

    @property
    def size(self) -> int:
        """The bytes that its objects count for."""
        return sum(map(size_of, chain.from_iterable(vars(self).values())))

    def directory(self, kind: str) -> Directory:
        """Return the directory of a kind of world entry."""
        return {
            "unit": self.units,
            "user": self.users,
            "secret_key": self.keys,
            "webhook_definition": self.definitions,
            "workflow_rule": self.rules,
        }[kind]

    def key_entry_of(self, definition_id: str) -> Object | None:
        """Return the entry of the key that signs a definition's webhooks; None if it has none."""
        definition = self.definitions.find("id", definition_id)
        key_id = definition.get("secret_key_id") if definition else None
        return self.keys.find("id", key_id) if key_id else None

    def key_of(self, definition_id: str) -> str | None:
        """Return the secret key that signs the webhooks of a definition; None if it has none."""
        entry = self.key_entry_of(definition_id)
        return entry["key"] if entry else None

    def find_user(self, username: str) -> Object | None:
        """Return the user of that name, in any case.

        Inferred: an example logs in as mpadministrator, whose user object says MPAdministrator.
        """
        folded_name = username.casefold()
        for user in self.users:
            name = user.get("username")
            if name is not None and name.casefold() == folded_name:
                return user
        return None


def size_of(value: Object) -> int:
    """Return the bytes that an object counts for."""
    return len(orjson.dumps(value))


def find_object(directory: Directory, kind: str, name: str) -> Object:
    """Return a definition or rule by name, alternative code or id. Raises NotFound."""
    value = directory.find_any(name)
    if value is None:
        raise NotFound(kind, seen=quoted(name), allowed=object_hint(directory, kind, name))
    return value


def object_hint(directory: Directory, kind: str, name: str) -> str:
    """Return the allowed values in words, with the nearest names and alternative codes."""
    pairs = ((name_of(value), value.get("alternative_code")) for value in directory)
    names = [name for name in chain.from_iterable(pairs) if name]
    matches = get_close_matches(name, names, n=3, cutoff=0.4) or names[:5]
    if not matches:
        return f"nothing; this world has no {kind}"
    return f"a {kind} of this world, by name, alternative code or id; nearest: {', '.join(matches)}"
