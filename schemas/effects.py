"""The effects of resend and delete on a webhook request of one server, as a profile has them.

An *effect* is the value that a member has after a change. A member of ``log_information`` may have
an effect, too. An object with the member ``$`` says how the value is made:

- ``kept``: the old value; ``absent``: the member is left out
- ``now``: the time in the form of ``like``; if ``like`` is a number, as many units in a second,
  since 1970
- ``new``: a unique text: digits where ``like`` has 0, hexadecimal digits where it has A, a or z
- ``same``: the new value of the member ``as``; with ``is_number`` as a number, not as digits
- ``text``: the text ``of``, with the new values of members in place of their names in braces
- ``by``: the effect in ``cases`` for the old value of the member ``of``, or else ``usual``
- ``user``, ``unit``: those of the caller
- ``more``: the old number and ``by``
- ``append``: the old array, or an empty one, and then ``items``
- ``fill``: ``value`` if there was none, or else the old value
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from crmcom_kit.schemas.members import ABSENT, fact_of, filled, member_at

Effects = Mapping[str, Any]  # by member, such as response or log_information.updated_date
#: Kinds of change: a resend whose delivery succeeds or fails, and a delete, after which only the
#: response shows the webhook request.
CHANGE_KINDS = ("resend", "failed_resend", "delete")
LOG = "log_information"
#: A number between them is a moment, in seconds since 1970; so is one between them in milliseconds.
MIN_SECONDS, MAX_SECONDS = 946_684_800, 4_102_444_800


class Drawn(Protocol):
    """The source of values that an effect does not have: times, unique texts, the caller."""

    def now(self, like: str) -> str:
        """Return the time in the form of another one."""

    def new(self, like: str) -> str:
        """Return a unique text of the same form."""

    def caller(self, what: str) -> Any:
        """Return the ``user`` or ``unit`` of the caller who changes the webhook request."""


def applied(effects: Effects, record: Mapping[str, Any], drawn: Drawn) -> dict[str, Any]:
    """Return a webhook request after a change.

    Effects that copy another member come last, when that member has its new value.
    """
    result = dict(record)
    log = record.get(LOG)
    if isinstance(log, Mapping):
        result[LOG] = dict(log)
    plain_effects = {path: _decide(effect, record) for path, effect in effects.items()}
    for is_last in (False, True):
        for path, effect in plain_effects.items():
            if _copies(effect) is not is_last:
                continue
            holder_name, _, name = path.rpartition(".")
            holder = result.get(holder_name) if holder_name else result
            if isinstance(holder, dict):
                value = _value(effect, holder.get(name, ABSENT), result, drawn)
                if value is ABSENT:
                    holder.pop(name, None)
                else:
                    holder[name] = value
    return result


def _decide(effect: Any, old_record: Mapping[str, Any]) -> Any:
    """Return an effect with a case in place of each ``by``, also in objects and arrays."""
    while _how(effect) == "by":
        fact = fact_of(old_record, effect["of"])
        effect = next((case for value, case in effect["cases"] if value == fact), effect["usual"])
    if isinstance(effect, Mapping):
        return {name: _decide(part, old_record) for name, part in effect.items()}
    return [_decide(part, old_record) for part in effect] if isinstance(effect, list) else effect


def _copies(effect: Any) -> bool:
    """Return True if an effect, or a part of it, copies another member."""
    parts: Any = effect if isinstance(effect, list) else ()
    if isinstance(effect, Mapping):
        parts = effect.values()
    return _how(effect) in ("same", "text") or any(map(_copies, parts))


def is_moment(value: Any) -> bool:
    """Return True if a number may be a moment, in seconds or milliseconds since 1970."""
    return type(value) is int and any(
        MIN_SECONDS * unit < value < MAX_SECONDS * unit for unit in (1, 1000)
    )


def _how(effect: Any) -> str:
    """Return how an effect makes a value; "" for a literal value, or an object of effects."""
    return str(effect.get("$", "")) if isinstance(effect, Mapping) else ""


def _value(effect: Any, old_value: Any, record: Mapping[str, Any], drawn: Drawn) -> Any:
    """Return the new value; ``record`` has the new members so far."""
    match _how(effect):
        case "kept":
            return old_value
        case "absent":
            return ABSENT
        case "now" | "new" as how:
            return _drawn(how, effect.get("like", ""), drawn)
        case "same" | "text":
            return _copied(effect, record)
        case "user" | "unit" as who:
            return drawn.caller(who)
        case "more":
            is_number = isinstance(old_value, int | float)
            return old_value + effect["by"] if is_number else effect["by"]
        case "append":
            items = [_value(item, None, record, drawn) for item in effect["items"]]
            return [*(old_value if isinstance(old_value, list) else ()), *items]
        case "fill":
            is_unset = old_value is None or old_value == "" or old_value is ABSENT
            return _value(effect["value"], old_value, record, drawn) if is_unset else old_value
    return _structure(effect, old_value, record, drawn)


def _drawn(how: str, like: Any, drawn: Drawn) -> Any:
    """Return a new text, or the time, which is a number if ``like`` is one."""
    if isinstance(like, int):
        return int(datetime.fromisoformat(drawn.now("")).replace(tzinfo=UTC).timestamp()) * like
    return getattr(drawn, how)(str(like))


def _copied(effect: Mapping[str, Any], record: Mapping[str, Any]) -> Any:
    """Return a text, or the value of another member."""
    if "as" not in effect:
        return filled(str(effect.get("of")), record)
    value = member_at(record, str(effect.get("as")))
    is_number = effect.get("is_number") and isinstance(value, str) and value.isdecimal()
    return int(value) if is_number else value


def _structure(effect: Any, old_value: Any, record: Mapping[str, Any], drawn: Drawn) -> Any:
    """Return an object or an array with new values for its parts; another value unchanged."""
    if isinstance(effect, Mapping):
        old_members = old_value if isinstance(old_value, Mapping) else {}
        members = {
            name: _value(part, old_members.get(name, ABSENT), record, drawn)
            for name, part in effect.items()
        }
        return {name: value for name, value in members.items() if value is not ABSENT}
    if isinstance(effect, list):
        old_items = [*(old_value if isinstance(old_value, list) else ()), *[None] * len(effect)]
        pairs = zip(effect, old_items, strict=False)
        return [_value(part, old_item, record, drawn) for part, old_item in pairs]
    return effect
