"""From a specification to a fault: JSON as the control API takes it, and the same in Python.

    {"name": "…", "match": {…}, "effect": {…}, "when": "before_commit",
     "times": 1, "probability": 0.5, "ttlMillis": 30000}

Everything but ``effect`` may be left out. Whatever is not allowed raises UsageError.
"""

from collections.abc import Mapping
from typing import Any, cast, get_args

from crmcom_kit.mock_server.faults.model import (
    DELAYS,
    MAX_DELAY,
    Condition,
    Cut,
    Delay,
    Effect,
    Fault,
    Match,
    When,
)
from crmcom_kit.mock_server.faults.values import (
    choice,
    listed,
    members,
    number,
    seen,
    text,
    truth,
    whole,
)
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.schemas.dialect import error_kinds

MAX_SIGMA = 10.0
LEAST_MEDIAN = 0.001  # milliseconds
MAX_CALLS = 1_000_000_000
MAX_BYTES = 1_000_000_000
MAX_TTL = 100_000_000_000  # milliseconds: three years
MAX_RETRY_AFTER = 86_400  # seconds
MAX_ITEMS = 20
MAX_TEXT = 200
MAX_NAME = 100
LEAST_STATUS, MAX_STATUS = 200, 599
#: Statuses whose answers have no body, and so are none that a fault can put in an answer's place.
BODILESS = (204, 205, 304)
WHENS: tuple[str, ...] = get_args(When)
IDENTIFIERS = ("id", "number")
CONDITIONS = ("equals", "contains", "oneOf", "absent")
#: Shorter names of errors, besides the kinds of ``schemas/data/errors.json``.
ALIASES = {
    "not_found": "unknown_webhook_request",
    "unauthorized": "invalid_token",
    "expired": "expired_token",
    "no_token": "missing_token",
    "bad_request": "invalid_value",
    "conflict": "resend_under_way",
    "already_sent": "not_rejected",
    "failed": "delivery_failed",
    "too_large": "body_too_large",
}
_FAULT = ("name", "match", "effect", "when", "times", "probability", "ttlMillis")
_MATCH = ("operation", "identifier", "parameters", "nth", "after")
_ENDS = ("status", "error", "drop", "cut", "malformed")
_EFFECT = ("delay", *_ENDS, "retryAfter", "expireToken", "deleteRecord")


def errors() -> tuple[str, ...]:
    """Every name that an error has: its kind, and the shorter ones."""
    return (*error_kinds(), *ALIASES)


def fault_of(spec: object, identifier: str, operations: tuple[str, ...]) -> Fault:
    """Return the fault that a specification describes.

    Args:
        spec: the specification, a dict.
        identifier: the id that the fault is to have.
        operations: the names of the methods that there are.

    Raises:
        UsageError: it is none that is allowed.
    """
    given = members(spec, "", _FAULT)
    if "effect" not in given:
        raise UsageError("effect", seen="nothing", allowed=f"an object with {', '.join(_EFFECT)}")
    effect = effect_of(given["effect"])
    times, ttl = given.get("times"), given.get("ttlMillis")
    name = given.get("name")
    return Fault(
        id=identifier,
        name=effect.summary if name is None else text(name, "name", MAX_NAME),
        match=_match(given.get("match", {}), operations),
        effect=effect,
        when=when_of(given.get("when"), effect),
        times=None if times is None else whole(times, "times", 1, MAX_CALLS),
        probability=number(given.get("probability", 1.0), "probability", 0, 1),
        ttl_millis=None if ttl is None else whole(ttl, "ttlMillis", 1, MAX_TTL),
    )


def when_of(given: object, effect: Effect) -> When:
    """Return when a fault strikes: before the call changes anything, or after.

    What is cut or malformed is the API's own answer, so the call has been carried out by then.
    """
    after_all = effect.cut is not None or effect.malformed
    if given is None:
        return "after_commit" if after_all else "before_commit"
    found = cast("When", choice(given, "when", WHENS))
    if after_all and found == "before_commit":
        allowed = "after_commit, since what is cut or malformed is the answer to a call carried out"
        raise UsageError("when", seen=seen(found, "when"), allowed=allowed)
    return found


def _match(spec: object, operations: tuple[str, ...]) -> Match:
    given = members(spec, "match", _MATCH)
    named: tuple[str, ...] = ()
    if given.get("operation") is not None:
        items = listed(given["operation"], "match.operation", len(operations))
        named = tuple(choice(one, "match.operation", operations) for one in items)
    nth: tuple[int, ...] = ()
    if given.get("nth") is not None:
        items = listed(given["nth"], "match.nth", MAX_ITEMS)
        nth = tuple(whole(one, "match.nth", 1, MAX_CALLS) for one in items)
    after = whole(given.get("after", 0), "match.after", 0, MAX_CALLS)
    if nth and after:
        raise UsageError("match.after", seen="one beside nth", allowed="one of them")
    return Match(
        operations=named,
        identifier=_identifier(given.get("identifier")),
        parameters=_conditions(given.get("parameters", {})),
        nth=nth,
        after=after,
    )


def _identifier(spec: object) -> tuple[str, str] | None:
    if spec is None:
        return None
    where = "match.identifier"
    given = members(spec, where, IDENTIFIERS)
    if len(given) != 1:
        counted = f"{len(given)} members"
        raise UsageError(where, seen=counted, allowed=f"exactly one of {' or '.join(IDENTIFIERS)}")
    ((name, value),) = given.items()
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**18 else ""
    return name, text(value, f"{where}.{name}", MAX_TEXT)


def _conditions(spec: object) -> Mapping[str, Condition]:
    where = "match.parameters"
    if not isinstance(spec, Mapping) or len(spec) > MAX_ITEMS:
        allowed = f"an object of at most {MAX_ITEMS} parameters"
        raise UsageError(where, seen=seen(spec, where), allowed=allowed)
    return {
        text(name, where, MAX_TEXT): _condition(value, f"{where}.{name}")
        for name, value in spec.items()
    }


def _condition(spec: object, where: str) -> Condition:
    if not isinstance(spec, Mapping):
        return Condition("equals", (_scalar(spec, where),))
    given = members(spec, where, CONDITIONS)
    if len(given) != 1:
        raise UsageError(
            where, seen=f"{len(given)} members", allowed=f"one of {', '.join(CONDITIONS)}"
        )
    ((kind, value),) = given.items()
    place = f"{where}.{kind}"
    if kind == "absent":
        truth(value, place)
        return Condition("absent")
    items = listed(value, place, MAX_ITEMS) if kind == "oneOf" else [value]
    return Condition(cast("Any", kind), tuple(_scalar(one, place) for one in items))


def _scalar(value: object, where: str) -> str:
    """Return a value as a query spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) < 10**18:
        return str(value)
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        return value
    allowed = f"a text of at most {MAX_TEXT} characters, a whole number or a truth value"
    raise UsageError(where, seen=seen(value, where), allowed=allowed)


def effect_of(spec: object) -> Effect:
    """Return what a specification says is to happen. Raises UsageError."""
    given = {k: v for k, v in members(spec, "effect", _EFFECT).items() if v is not None}
    ends = [name for name in _ENDS if name in given]
    if len(ends) > 1:
        raise UsageError(
            "effect", seen=" and ".join(ends), allowed="one of them; each may have a delay"
        )
    if not set(given) - {"retryAfter"}:
        raise UsageError("effect", seen="nothing", allowed=f"at least one of {', '.join(_EFFECT)}")
    if "retryAfter" in given and "status" not in given:
        raise UsageError(
            "effect.retryAfter", seen="one without status", allowed="one beside status"
        )
    retry = given.get("retryAfter")
    flags = {
        name: name in given and truth(given[name], f"effect.{name}")
        for name in ("drop", "malformed", "expireToken", "deleteRecord")
    }
    return Effect(
        delay=_delay(given["delay"]) if "delay" in given else None,
        status=status_of(given["status"], "effect.status") if "status" in given else None,
        retry_after=None
        if retry is None
        else whole(retry, "effect.retryAfter", 0, MAX_RETRY_AFTER),
        error=error_of(given["error"], "effect.error") if "error" in given else None,
        drop=flags["drop"],
        cut=_cut(given["cut"]) if "cut" in given else None,
        malformed=flags["malformed"],
        expire_token=flags["expireToken"],
        delete_record=flags["deleteRecord"],
    )


def status_of(value: object, where: str) -> int:
    """Return an HTTP status that an answer with a body can have. Raises UsageError."""
    found = whole(value, where, LEAST_STATUS, MAX_STATUS)
    if found in BODILESS:
        allowed = "a status whose answers have a body"
        raise UsageError(where, seen=seen(found, where), allowed=allowed)
    return found


def error_of(value: object, where: str) -> str:
    """Return the kind of vendor error that a name means. Raises UsageError."""
    name = choice(value, where, errors())
    return ALIASES.get(name, name)


def _delay(spec: object) -> Delay:
    where = "effect.delay"
    if not isinstance(spec, Mapping):
        return Delay("fixed", number(spec, where, 0, MAX_DELAY))
    kind = choice(spec.get("type", "fixed"), f"{where}.type", DELAYS)
    names = DELAYS[kind]
    members(spec, where, ("type", *names))
    found = []
    for name in names:
        most = MAX_SIGMA if name == "sigma" else MAX_DELAY
        least = LEAST_MEDIAN if name == "median" else 0
        if name not in spec:
            raise UsageError(f"{where}.{name}", seen="nothing", allowed="a number")
        found.append(number(spec[name], f"{where}.{name}", least, most))
    if kind == "uniform" and found[0] > found[1]:
        allowed = f"at least lower, which is {found[0]:g}"
        raise UsageError(f"{where}.upper", seen=f"{found[1]:g}", allowed=allowed)
    return Delay(cast("Any", kind), *found)


def _cut(spec: object) -> Cut:
    where = "effect.cut"
    if not isinstance(spec, Mapping):
        return Cut(bytes=whole(spec, where, 1, MAX_BYTES))
    given = members(spec, where, Cut._fields)
    if len(given) != 1:
        allowed = f"one of {', '.join(Cut._fields)}"
        raise UsageError(where, seen=f"{len(given)} members", allowed=allowed)
    if "bytes" in given:
        return Cut(bytes=whole(given["bytes"], f"{where}.bytes", 1, MAX_BYTES))
    return Cut(share=number(given["share"], f"{where}.share", 0, 1))
