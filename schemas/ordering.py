"""Orders of lists: keys such as ``entity`` and ``number desc``, and the sort values of records.

A key is a member (``entity``, ``webhook_definition.name``), and optional words: ``desc`` for
descending; ``text`` to sort numbers as texts; ``unset high`` to put records without a value last
when ascending. Otherwise they come first.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from crmcom_kit.schemas.members import value_at

Object = Mapping[str, Any]

#: Insertion order, which only the mock knows.
ADDED = "added"
#: Members of log_information; changed_date is updated_date, or created_date if that is unset.
DATES = ("created_date", "updated_date", "changed_date")
MAX_KEYS = 4
_WORDS = ("text", "unset high", "desc")


class Key(NamedTuple):
    """One key of an order."""

    member: str
    is_text: bool = False  # True: numbers are sorted as texts
    is_unset_high: bool = False  # True: records without a value count as the highest
    is_down: bool = False

    def __str__(self) -> str:
        """Return the key in the notation of dialects."""
        flags = zip(_WORDS, (self.is_text, self.is_unset_high, self.is_down), strict=True)
        return " ".join([self.member, *(word for word, is_set in flags if is_set)])


def read_key(text: object) -> Key | None:
    """Return a key from its text, or None if it is not a key."""
    if not isinstance(text, str):
        return None
    member, flags = text, []
    for word in reversed(_WORDS):
        flags.append(member.endswith(f" {word}"))
        member = member.removesuffix(f" {word}")
    names = member.split(".")
    is_name = len(names) <= 3 and all(name.isidentifier() for name in names)
    return Key(member, *reversed(flags)) if is_name else None


def read_order(texts: Iterable[str]) -> tuple[list[Key], bool]:
    """Return the keys of an order, and whether records with equal keys are newest first.

    Keys after ``added`` are ignored: it decides every order.
    """
    keys: list[Key] = []
    for key in filter(None, map(read_key, texts)):
        if key.member == ADDED:
            return keys, key.is_down
        keys.append(key)
    return keys, False


def sort_value(key: Key) -> Callable[[Object], Any]:
    """Return a function from a record to its ascending sort key; the caller reverses."""
    return lambda record: sort_key(key, value_of(record, key.member))


def sort_key(key: Key, value: Any) -> Any:
    """Return the sort key of a value. Sort keys of one key are always comparable."""
    if value is None or isinstance(value, dict | list):
        return (2 if key.is_unset_high else 0,)
    if not key.is_text:
        if key.member == "number" and str(value).isascii() and str(value).isdecimal():
            digits = str(value).lstrip("0")  # int() refuses more than 4,300 of them
            return 1, 0, len(digits), digits, str(value)
        if key.member != "number" and isinstance(value, int | float):
            return 1, 0, value
    return 1, 1, str(value)


def value_of(record: Object, member: str) -> Any:
    """Return a record's value for a key's member; None if it has none."""
    if member in DATES:
        log = record.get("log_information")
        log = log if isinstance(log, Mapping) else {}
        if member == "changed_date":
            return log.get("updated_date") or log.get("created_date")
        return log.get(member)
    return value_at(record, member)
