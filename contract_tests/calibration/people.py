"""Keep people and hosts out of a profile: each gets a made-up name, the same one everywhere."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_HOST = re.compile(r"(?<=://)(?:[^\s/@?#]*@)?[^\s/:?#\"'<>@]+")
#: Members whose values name a person, inside whichever object.
_NAMES = {
    **dict.fromkeys(("person_name", "full_name", "contact_name"), "name"),
    **dict.fromkeys(("first_name", "middle_name"), "first_name"),
    "last_name": "last_name",
}
_USERS = frozenset(("username", "user_name", "login"))
_SHORTEST = 4  # letters of a family name that is replaced in texts, too


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

    def replaced_everywhere(self, values: Sequence[Any]) -> list[Any]:
        """Return copies with all that names somebody replaced, in texts about them as well.

        A text tells of a person by the full name, or by the family name, of somebody whom a member
        of another value names.
        """
        found = [self.replaced(each) for each in values]
        people: dict[str, str] = {}
        for (kind, name), made in self._known.items():
            words, last = name.split(), made.split()[-1]
            if kind == "name" and len(words) > 1:
                people |= {name: made}
                people |= {words[-1]: last} if len(words[-1]) >= _SHORTEST else {}
        if not people:
            return found
        longest_first = sorted(people, key=len, reverse=True)
        named = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)
        return [_in_texts(each, named, people) for each in found]

    def replaced(self, value: Any, member: str = "") -> Any:
        """Return a copy of a value with all that names somebody in it replaced."""
        if isinstance(value, Mapping):
            return {name: self.replaced(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.replaced(inner, member) for inner in value]
        if not isinstance(value, str) or not value.strip():
            return value
        if member in _NAMES:
            return self._named(_NAMES[member], value)
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
                "name": lambda: f"{self._faker.first_name()} {self._faker.last_name()}",
                "first_name": self._faker.first_name,
                "last_name": self._faker.last_name,
                "user_name": self._faker.user_name,
                "email": self._faker.safe_email,
                "host": lambda: f"host-{number}.example.com",
            }[kind]()
            # Two people keep two names.
            taken = self._known.values()
            self._known[key] = made if made not in taken else f"{made}{number}"
        return self._known[key]


def _in_texts(value: Any, named: re.Pattern[str], people: Mapping[str, str]) -> Any:
    """Return a copy of a value with people replaced in all texts."""
    if isinstance(value, Mapping):
        return {name: _in_texts(inner, named, people) for name, inner in value.items()}
    if isinstance(value, list):
        return [_in_texts(inner, named, people) for inner in value]
    if not isinstance(value, str):
        return value
    return named.sub(lambda found: people[found[0].casefold()], value)
