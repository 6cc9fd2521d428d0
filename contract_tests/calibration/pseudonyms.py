"""Keep people and hosts out of a profile: each gets a made-up name, the same one everywhere."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_HOST = re.compile(r"(?<=://)(?:[^\s/@?#]*@)?(\[[^\s\]]*\]|[^\s/:?#\"'<>@]+)")
_WORD = re.compile(r"\w+")
_SEVERAL_WORDS = re.compile(r"[^\W\d_]\S*\s+\S*[^\W\d_]")
#: Members whose values name a person, inside whichever object.
_NAMES = {
    **dict.fromkeys(("person_name", "full_name", "contact_name"), "name"),
    **dict.fromkeys(("first_name", "middle_name"), "first_name"),
    "last_name": "last_name",
}
_USERS = frozenset(("username", "user_name", "login"))
#: What stands for each; the number distinguishes them.
_MADE_UP = {
    "name": "Given{0} Family{0}",
    "first_name": "Given{0}",
    "last_name": "Family{0}",
    "user_name": "user{0}",
    "email": "user{0}@example.com",
    "host": "host{0}.example.com",
}
_SHORTEST = 4  # letters of a family name, or a user name, that is replaced in texts, too
#: Members whose texts are about nobody, such as JOBS, whatever people are called.
_KEPT = frozenset(("id", "number", "entity", "entity_id", "life_cycle_state"))
#: Members that requests name things by: a word in them that is a user name as well stays.
_IDENTIFYING = frozenset(("name", "alternative_code"))


def free_texts(values: Iterable[Any]) -> int:
    """Return how many different texts of several words there are: some may name people.

    What members have that name a person does not count.
    """
    texts: set[str] = set()

    def collect(text: str, member: str) -> str:
        if member not in _NAMES and member not in _KEPT and _SEVERAL_WORDS.search(text):
            texts.add(text)
        return text

    for value in values:
        with_texts(value, collect)
    return len(texts)


class Pseudonyms:
    """Replaces names, user names, e-mail addresses and hosts, wherever they stand.

    They are numbered in the order in which they are first seen: nothing of the real ones is in
    them, and the same content gives the same names.
    """

    def __init__(self) -> None:
        """Have replaced nothing yet."""
        self._pseudonyms: dict[tuple[str, str], str] = {}
        self._people: dict[str, str] = {}  # whole names, as they were written

    def replaced_everywhere(self, values: Sequence[Any]) -> list[Any]:
        """Return copies with all that names somebody replaced, in texts about them as well.

        A text names a person by the full name, the family name, the user name, or by what an
        e-mail address has before its @ (if it has a dot), of somebody whom a member of another
        value names, and of a host by the name that stands in some URL.
        """
        copies = [self.replaced(value) for value in values]
        people: dict[str, str] = {}
        for name, pseudonym in self._people.items():
            words, family_name = name.split(), pseudonym.split()[-1]
            if len(words) > 1:
                people |= {name: pseudonym}
                people |= {words[-1]: family_name} if len(words[-1]) >= _SHORTEST else {}
        users, hosts = dict[str, str](), dict[str, str]()
        for (kind, text), pseudonym in self._pseudonyms.items():
            user = text.partition("@")[0]
            if kind == "host" and "." in text:
                hosts[text] = pseudonym
            elif (kind == "user_name" and len(text) >= _SHORTEST) or (
                kind == "email" and "." in user
            ):
                users[user] = pseudonym.partition("@")[0]
        replace_people = _replacing(people, r"\b", r"\b")
        replace_users = _replacing(users, r"\b", r"\b")
        replace_hosts = _replacing(hosts, r"(?<![\w.-])", r"(?![\w-])")

        def change(text: str, member: str) -> str:
            if member in _KEPT:
                return text
            text = text if member in _IDENTIFYING else replace_users(text)
            return replace_hosts(replace_people(text))

        return [with_texts(value, change) for value in copies]

    def replaced(self, value: Any) -> Any:
        """Return a copy of a value with all that names somebody in it replaced."""
        return with_texts(value, self._replaced)

    def _replaced(self, value: str, member: str) -> str:
        if not value.strip():
            return value
        if member in _NAMES:
            pseudonym = self._named(_NAMES[member], value)
            if _NAMES[member] == "name":
                self._people[value] = pseudonym
            return pseudonym
        if member in _USERS and "@" not in value:
            return self._named("user_name", value)
        text = _HOST.sub(lambda match: self._named("host", match[1]), value)
        return _EMAIL.sub(lambda match: self._named("email", match[0]), text)

    def _named(self, kind: str, text: str) -> str:
        key = kind, text.casefold()
        return self._pseudonyms.setdefault(key, _MADE_UP[kind].format(len(self._pseudonyms) + 1))


def _replacing(pseudonyms: Mapping[str, str], before: str, after: str) -> Callable[[str], str]:
    """Return what replaces names in a text, between two patterns and in whichever case.

    There may be thousands: in each text only those are looked for whose first word it has.
    """
    replacements = {name.casefold(): replacement for name, replacement in pseudonyms.items()}
    by_word: dict[str, list[str]] = defaultdict(list)
    for name in pseudonyms:
        by_word[_words(name)[0]].append(name)

    def change(text: str) -> str:
        candidates = [name for word in {*_words(text)} for name in by_word.get(word, ())]
        if not candidates:
            return text
        pattern = re.compile(f"{before}(?:{_any_of(candidates)}){after}", re.IGNORECASE)
        # Not all that is alike without case is so when it is folded: that stays as it is.
        return pattern.sub(lambda match: replacements.get(match[0].casefold(), match[0]), text)

    return change


def _words(text: str) -> list[str]:
    """Return the words of a text; one that has none counts as a word."""
    return _WORD.findall(text.casefold()) or [text]


def _any_of(names: Iterable[str]) -> str:
    """Return a pattern of some names, the longest first."""
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


def with_texts(value: Any, change: Callable[[str, str], str], member: str = "") -> Any:
    """Return a copy of a value with ``change`` made of each text and the member that has it."""
    if isinstance(value, Mapping):
        return {name: with_texts(inner, change, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_texts(inner, change, member) for inner in value]
    return change(value, member) if isinstance(value, str) else value
