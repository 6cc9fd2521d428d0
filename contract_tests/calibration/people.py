"""Keep people and hosts out of a profile: each gets a made-up name, the same one everywhere."""

import re
from collections.abc import Mapping
from typing import Any

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_HOST = re.compile(r"(?<=://)(?:[^\s/@?#]*@)?[^\s/:?#\"'<>@]+")
#: Members whose values name a person, inside whichever object.
_NAMES = frozenset(
    ("person_name", "first_name", "last_name", "full_name", "middle_name", "contact_name")
)
_USERS = frozenset(("username", "user_name", "login"))


class Pseudonyms:
    """Replaces names, user names, e-mail addresses and hosts, wherever they stand.

    Names are made up in the order in which they are first seen: nothing of the real ones is in
    them, and the same content gives the same names.
    """

    def __init__(self) -> None:
        """Have replaced nothing yet. Raises ModuleNotFoundError without Faker."""
        from faker import Faker

        self._faker: Any = Faker("en_US")
        self._known: dict[tuple[str, str], str] = {}

    def replaced(self, value: Any, member: str = "") -> Any:
        """Return a copy of a value with all that names somebody replaced."""
        if isinstance(value, Mapping):
            return {name: self.replaced(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.replaced(inner, member) for inner in value]
        if not isinstance(value, str) or not value.strip():
            return value
        if member in _NAMES:
            return self._named("name", value)
        if member in _USERS and "@" not in value:
            return self._named("user_name", value)
        text = _EMAIL.sub(lambda found: self._named("email", found[0]), value)
        return _HOST.sub(lambda found: self._named("host", found[0]), text)

    def _named(self, kind: str, text: str) -> str:
        key = kind, text.casefold()
        if key not in self._known:
            number = len(self._known) + 1
            self._faker.seed_instance(number)
            made = {
                "name": self._faker.name,
                "user_name": self._faker.user_name,
                "email": self._faker.safe_email,
                "host": lambda: f"host-{number}.example.com",
            }[kind]()
            # Two people keep two names.
            taken = self._known.values()
            self._known[key] = made if made not in taken else f"{made}{number}"
        return self._known[key]
