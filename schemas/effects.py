"""What resend and delete do to a webhook request on one server, as a profile has it.

An *effect* is a value for a member, or for one of ``log_information``: what it is after a change.
Instead of a value, an object with the member ``$`` says how it comes about:

- ``kept``: as it was; ``absent``: left out
- ``now``: the time, written like ``like``; a number is how many there are in a second, since 1970
- ``new``: a text that no other one is equal to: digits where ``like`` has 0, hexadecimal ones where
  it has A, a or z
- ``same``: as the member ``as`` of the same webhook request is then; with ``is_number``, which is
  true, it is a number instead of digits
- ``text``: the text ``of``, with members of the same webhook request, as they are then, in braces
- ``by``: the effect in ``cases`` for what the member ``of`` was before, or else ``usual``
- ``user``, ``unit``: those of the caller
- ``more``: a number, larger by ``by``; ``length``: how many an array has then
- ``append``: the array as it was, or an empty one, and ``items`` behind it
- ``fill``: ``value`` where there was none, else as it was
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from crmcom_kit.schemas.members import ABSENT, fact_of, filled, member_at

Effects = Mapping[str, Any]  # by member, such as response or log_information.updated_date
#: Kinds of change: a resend whose delivery succeeds or fails, and a delete, after which only the
#: response shows the webhook request.
CHANGE_KINDS = ("resend", "failed_resend", "delete")
LOG = "log_information"
#: A number is a moment if it is one of seconds, or of milliseconds, since 1970 in this century.
MIN_SECONDS, MAX_SECONDS = 946_684_800, 4_102_444_800


class Drawn(Protocol):
    """Where values come from that no effect can tell."""

    def now(self, like: str) -> str:
        """Return the time, written like another one."""

    def new(self, like: str) -> str:
        """Return a text of the same form that was never returned before."""

    def caller(self, what: str) -> Any:
        """Return the ``user`` or ``unit`` of who changes the webhook request."""


def applied(effects: Effects, record: Mapping[str, Any], drawn: Drawn) -> dict[str, Any]:
    """Return a webhook request after a change.

    Effects that copy another member come last, when that member has its new value.
    """
    made = dict(record)
    log = record.get(LOG)
    if isinstance(log, Mapping):
        made[LOG] = dict(log)
    chosen = {path: _chosen(effect, record) for path, effect in effects.items()}
    for is_last in (False, True):
        for path, effect in chosen.items():
            if _copies(effect) is not is_last:
                continue
            outer, _, name = path.rpartition(".")
            inside = made.get(outer) if outer else made
            if isinstance(inside, dict):
                value = _value(effect, inside.get(name, ABSENT), made, drawn)
                if value is ABSENT:
                    inside.pop(name, None)
                else:
                    inside[name] = value
    return made


def _chosen(effect: Any, before: Mapping[str, Any]) -> Any:
    """Return an effect with those that depend on a member decided, in objects and arrays as well.

    ``before`` is the webhook request as it was.
    """
    while how_of(effect) == "by":
        fact = fact_of(before, effect["of"])
        effect = next((case for value, case in effect["cases"] if value == fact), effect["usual"])
    if isinstance(effect, Mapping):
        return {name: _chosen(inner, before) for name, inner in effect.items()}
    return [_chosen(inner, before) for inner in effect] if isinstance(effect, list) else effect


def _copies(effect: Any) -> bool:
    """Return whether an effect, or one inside it, copies another member."""
    inner: Any = effect if isinstance(effect, list) else ()
    if isinstance(effect, Mapping):
        inner = effect.values()
    return how_of(effect) in ("same", "text") or any(map(_copies, inner))


def is_moment(value: Any) -> bool:
    """Return whether a number may be a moment, in seconds or milliseconds since 1970."""
    return type(value) is int and any(
        MIN_SECONDS * unit < value < MAX_SECONDS * unit for unit in (1, 1000)
    )


def how_of(effect: Any) -> str:
    """Return how an effect makes a value; "" for a literal value, or an object of effects."""
    return str(effect.get("$", "")) if isinstance(effect, Mapping) else ""


def _value(effect: Any, before: Any, record: Mapping[str, Any], drawn: Drawn) -> Any:
    """Return what an effect makes of a value."""
    match how_of(effect):
        case "kept":
            return before
        case "absent":
            return ABSENT
        case "now" | "new" as how:
            return _drawn(how, effect.get("like", ""), drawn)
        case "same" | "text":
            return _copied(effect, record)
        case "user" | "unit" as who:
            return drawn.caller(who)
        case "more":
            return before + effect["by"] if isinstance(before, int | float) else effect["by"]
        case "length":
            return len(before) if isinstance(before, list) else 0
        case "append":
            return _appended(effect["items"], before, record, drawn)
        case "fill":
            is_unset = before is None or before == "" or before is ABSENT
            return _value(effect["value"], before, record, drawn) if is_unset else before
    return _inside(effect, before, record, drawn)


def _drawn(how: str, like: Any, drawn: Drawn) -> Any:
    """Return a new text, or the time, which is a number if ``like`` is one."""
    if isinstance(like, int):
        return int(datetime.fromisoformat(drawn.now("")).replace(tzinfo=UTC).timestamp()) * like
    return getattr(drawn, how)(str(like))


def _copied(effect: Mapping[str, Any], record: Mapping[str, Any]) -> Any:
    """Return a text, or the value of another member, as a number if the effect says so."""
    if "as" not in effect:
        return filled(str(effect.get("of")), record)
    value = member_at(record, str(effect.get("as")))
    is_number = effect.get("is_number") and isinstance(value, str) and value.isdecimal()
    return int(value) if is_number else value


def _appended(
    effects: Sequence[Any], before: Any, record: Mapping[str, Any], drawn: Drawn
) -> list[Any]:
    made = [*before] if isinstance(before, list) else []
    for effect in effects:
        made.append(_item(effect, made, record, drawn))
    return made


def _item(effect: Any, items: list[Any], record: Mapping[str, Any], drawn: Drawn) -> Any:
    """Return the new item of an array; the effect ``length`` counts the new item as well."""
    if isinstance(effect, Mapping) and not how_of(effect):
        return {name: _item(each, items, record, drawn) for name, each in effect.items()}
    return _value(effect, [*items, None] if how_of(effect) == "length" else None, record, drawn)


def _inside(effect: Any, before: Any, record: Mapping[str, Any], drawn: Drawn) -> Any:
    """Return an object or an array with the effects inside it, or the value itself."""
    if isinstance(effect, Mapping):
        was = before if isinstance(before, Mapping) else {}
        made = {
            name: _value(each, was.get(name, ABSENT), record, drawn)
            for name, each in effect.items()
        }
        return {name: each for name, each in made.items() if each is not ABSENT}
    if isinstance(effect, list):
        was_list = before if isinstance(before, list) else []
        olds = [*was_list, *[None] * len(effect)]
        return [_value(e, old, record, drawn) for e, old in zip(effect, olds, strict=False)]
    return effect
