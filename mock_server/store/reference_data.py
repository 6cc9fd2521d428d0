"""Who and what the records of a world refer to: units, users, definitions, rules, keys."""

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import chain
from typing import Any

import orjson

from crmcom_kit.usage_errors import NotFound, quoted

Object = dict[str, Any]


def is_effective(value: Object) -> bool:
    """Return True if a webhook definition or workflow rule is EFFECTIVE; one without a state is."""
    return not str(value.get("life_cycle_state") or "").startswith("NOT")


def name_of(value: Object) -> str:
    """Return the name of a webhook definition or workflow rule; its id if records show no name."""
    return str(value.get("name") or value["id"])


class Directory:
    """Objects of one kind, found by any of their identifier fields."""

    def __init__(self, *names: str) -> None:
        """Start empty; ``names`` are the members that name an object, besides its id."""
        self._found: dict[str, dict[str, Object]] = {field: {} for field in ("id", *names)}

    def add(self, value: Object) -> None:
        """Add an object, in place of the one with its id; the first with a name is found by it."""
        for field, by_name in self._found.items():
            name = value.get(field)
            if name is not None and by_name.setdefault(name, value)["id"] == value["id"]:
                by_name[name] = value

    def find(self, field: str, name: str) -> Object | None:
        """Return the object whose ``field`` is ``name``."""
        return self._found[field].get(name)

    def find_any(self, name: str) -> Object | None:
        """Return the object with that id, or else the one with that name or alternative code."""
        return next((by_name[name] for by_name in self._found.values() if name in by_name), None)

    def __iter__(self) -> Iterator[Object]:
        """Go through the objects, in the order in which they were added."""
        return iter(self._found["id"].values())

    def copy(self) -> "Directory":
        """Return a directory with the same objects that can be added to by itself."""
        clone = Directory()
        clone._found = {field: by_name.copy() for field, by_name in self._found.items()}
        return clone


class ReferenceData:
    """What the webhook requests of a world refer to, and who may log in."""

    def __init__(self) -> None:
        """Start empty."""
        self.units = Directory("name", "alternative_code")
        self.users = Directory("username")
        self.definitions = Directory("name", "alternative_code")
        self.rules = Directory("name", "alternative_code")
        self.keys = Directory()

    def copy(self) -> "ReferenceData":
        """Return reference data with the same objects that can be added to by itself."""
        clone = ReferenceData()
        for name, directory in vars(self).items():
            setattr(clone, name, directory.copy())
        return clone

    @property
    def size(self) -> int:
        """How many bytes its objects count for."""
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

    def user_named(self, username: str) -> Object | None:
        """Return the user of that name, in any case.

        Inferred: an example logs in as mpadministrator, whose user object says MPAdministrator.
        """
        wanted = username.casefold()
        for user in self.users:
            name = user.get("username")
            if name is not None and name.casefold() == wanted:
                return user
        return None


def size_of(value: Object) -> int:
    """Return how many bytes an object counts for."""
    return len(orjson.dumps(value))


def named(directory: Directory, kind: str, wanted: str) -> Object:
    """Return a definition or rule by name, alternative code or id. Raises NotFound."""
    value = directory.find_any(wanted)
    if value is None:
        raise NotFound(kind, seen=quoted(wanted), allowed=nearest(directory, kind, wanted))
    return value


def nearest(directory: Directory, kind: str, wanted: str) -> str:
    """Return what is allowed, with the nearest names and alternative codes."""
    both = ((name_of(value), value.get("alternative_code")) for value in directory)
    names = [name for name in chain.from_iterable(both) if name]
    near = get_close_matches(wanted, names, n=3, cutoff=0.4) or names[:5]
    if not near:
        return f"nothing; this world has no {kind}"
    return f"a {kind} of this world, by name, alternative code or id; nearest: {', '.join(near)}"
