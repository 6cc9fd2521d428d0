"""Faults that have a name: what goes wrong most often, ready to be added or asked for by a header.

A *preset* makes specifications of its arguments. The header ``X-Mock-Prefer`` asks for a fault of
one call, without any set-up: ``error=not_found``, ``fault=lost_answer``, ``delay=200, status=503``.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from crmcom_kit.mock_server.faults.model import Fault, Match
from crmcom_kit.mock_server.faults.parsing import MAX_CALLS, MAX_TTL, effect_of, when_of
from crmcom_kit.mock_server.faults.values import choice, members, number, truth, whole
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import NotFound, UsageError

HEADER = "X-Mock-Prefer"
LEAST_SECONDS = 0.001  # of an outage
_WITH_RECORD = ["show", "resend", "delete"]
_CHANGING = ["resend", "delete"]
_Spec = dict[str, Any]


class Preset(NamedTuple):
    """A named kind of trouble."""

    text: str
    arguments: Mapping[str, Any]  # by name, with their defaults
    specs: Callable[[Mapping[str, Any]], list[_Spec]]  # of all arguments
    once: _Spec  # the same for one call: effect and when


def _lost_answer(given: Mapping[str, Any]) -> list[_Spec]:
    return [{**_for(given), "effect": {"drop": True}, "when": "after_commit"}]


def _outage(given: Mapping[str, Any]) -> list[_Spec]:
    seconds = number(given["seconds"], "seconds", LEAST_SECONDS, MAX_TTL / 1000)
    effect = {"drop": truth(given["drop"], "drop")} if given["drop"] else {}
    effect = effect or {"status": given["status"]}
    return [{**_for(given), "effect": effect, "ttlMillis": round(seconds * 1000)}]


def _slow_then_dead(given: Mapping[str, Any]) -> list[_Spec]:
    calls = whole(given["calls"], "calls", 1, MAX_CALLS)
    match = _for(given)["match"]
    slow = {"match": match, "effect": {"delay": given["delay"]}, "times": calls}
    return [slow, {"match": {**match, "after": calls}, "effect": {"drop": True}}]


def _token_expires(given: Mapping[str, Any]) -> list[_Spec]:
    calls = whole(given["calls"], "calls", 1, MAX_CALLS)
    match = {**_for(given)["match"], "nth": calls}
    return [{"match": match, "effect": {"expireToken": True}, "when": "after_commit", "times": 1}]


def _record_deleted(given: Mapping[str, Any]) -> list[_Spec]:
    return [{**_for(given), "effect": {"deleteRecord": True}}]


def _for(given: Mapping[str, Any]) -> _Spec:
    """Return whom a preset's fault is for, and how often."""
    match = {name: given[name] for name in ("operation", "identifier") if name in given}
    return {"match": match, **({"times": given["times"]} if "times" in given else {})}


#: The presets, by name.
PRESETS: dict[str, Preset] = {
    "lost_answer": Preset(
        "The call is carried out, and the connection is dropped before its answer is sent.",
        {"operation": _CHANGING, "identifier": None, "times": 1},
        _lost_answer,
        {"effect": {"drop": True}, "when": "after_commit"},
    ),
    "outage": Preset(
        "For so many seconds of the world's clock no call is carried out: each has a gateway's"
        " answer of that status, or, with drop, none.",
        {"seconds": 30, "status": 503, "drop": False, "operation": None},
        _outage,
        {"effect": {"status": 503}},
    ),
    "slow_then_dead": Preset(
        "So many calls are held back for delay milliseconds; then every connection is dropped."
        " Of one call: it is held back, then dropped.",
        {"calls": 3, "delay": 2_000, "operation": None},
        _slow_then_dead,
        {"effect": {"delay": 2_000, "drop": True}},
    ),
    "token_expires": Preset(
        "After so many calls that carry a token, the token of the last of them expires.",
        {"calls": 1, "operation": None},
        _token_expires,
        {"effect": {"expireToken": True}, "when": "after_commit"},
    ),
    "record_deleted": Preset(
        "Just before the call, somebody else deletes the webhook request that it names.",
        {"operation": _WITH_RECORD, "identifier": None, "times": 1},
        _record_deleted,
        {"effect": {"deleteRecord": True}},
    ),
}


def preset_specs(name: str, arguments: Mapping[str, Any]) -> list[_Spec]:
    """Return the specifications that a preset makes of its arguments.

    Raises:
        NotFound: there is no preset of that name.
        UsageError: it has no such argument, or it is no number that it must be.
    """
    preset = PRESETS.get(name)
    if preset is None:
        raise NotFound("preset", seen=quoted(name), allowed=f"one of {', '.join(PRESETS)}")
    given = members(arguments, "", preset.arguments)
    specs = preset.specs({**preset.arguments, **given})
    return [{"name": name, **spec} for spec in specs]


_ONCE: dict[str, _Spec] = {
    **{name: preset.once for name, preset in PRESETS.items()},
    "drop": {"effect": {"drop": True}},
    "cut": {"effect": {"cut": {"share": 0.5}}},
    "malformed": {"effect": {"malformed": True}},
}
_PREFERENCES: dict[str, str] = {
    "fault": f"one of {', '.join(_ONCE)}",
    "error": "the name of an error",
    "status": "an HTTP status",
    "delay": "milliseconds",
    "cut": "how many bytes of the answer are sent",
    "when": "before_commit or after_commit",
}


def preferred(header: str) -> Fault:
    """Return the fault that the header ``X-Mock-Prefer`` asks for. Raises UsageError."""
    given: dict[str, str] = {}
    for part in header.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in _PREFERENCES or name in given:
            forms = ", ".join(f"{known}=…" for known in _PREFERENCES)
            seen = f"{name} twice" if name in given else quoted(part.strip())
            raise UsageError(HEADER, seen=seen, allowed=f"each at most once: {forms}")
        given[name] = value
    effect: _Spec = {}
    when = given.get("when")
    if "fault" in given:
        once = _ONCE[choice(given["fault"], f"{HEADER}.fault", _ONCE)]
        effect, when = dict(once["effect"]), when or once.get("when")
    for name in ("error", "status", "delay", "cut"):
        if name in given:
            effect[name] = given[name] if name == "error" else _counted(name, given[name])
    try:
        found = effect_of(effect)
        return Fault(
            id="prefer",
            name=", ".join(f"{name}={value}" for name, value in given.items()),
            match=Match(),
            effect=found,
            when=when_of(when, found),
        )
    except UsageError as misuse:
        name = misuse.parameter.removeprefix("effect").removeprefix(".")
        parameter = f"{HEADER}.{name}" if name else HEADER
        raise UsageError(parameter, seen=misuse.seen, allowed=misuse.allowed) from None


def _counted(name: str, text: str) -> int:
    """Return a number of at most nine digits. Raises UsageError."""
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    parameter = f"{HEADER}.{name}"
    raise UsageError(parameter, seen=quoted(text), allowed=_PREFERENCES[name])
