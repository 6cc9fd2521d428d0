"""Named faults: frequent failures, to add or to request with a header.

A *preset* makes specifications from its arguments. The header ``X-Mock-Prefer`` requests a fault
for its own request: ``error=unknown_webhook_request``, ``fault=lost_response``,
``delay=0.2, status=503``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from math import ceil
from typing import Any, NamedTuple

from crmcom_kit.mock_server.faults.model import Fault
from crmcom_kit.mock_server.faults.validation import WITH_RECORD, fault_of, parse
from crmcom_kit.removed_names import remedy
from crmcom_kit.usage_errors import NotFound, UsageError, hint, quoted

HEADER = "X-Mock-Prefer"
_CHANGING_METHODS = ["resend", "delete"]
_Spec = dict[str, Any]


class Preset(NamedTuple):
    """A named kind of failure."""

    text: str
    arguments: Any  # by name, with their defaults; None is no condition
    #: Returns the specifications, without ``operation``, ``record`` and ``times``.
    specs: Callable[[Mapping[str, Any]], list[_Spec]]


#: The presets, by name.
PRESETS: dict[str, Preset] = {
    "lost_response": Preset(
        "The request is carried out, and the connection is dropped before its response is sent.",
        {"operation": _CHANGING_METHODS, "record": None, "times": 1},
        lambda _: [{"effect": {"drop": True}, "when": "after_commit"}],
    ),
    "outage": Preset(
        "For `seconds` of the world's clock, no request is carried out: each gets a gateway's"
        " response with `status`, or no response with `drop`.",
        {"seconds": 30, "status": 503, "drop": False, "operation": None},
        lambda values: [
            {
                "effect": {"drop": True} if values["drop"] else {"status": values["status"]},
                "lifetime": values["seconds"],
            }
        ],
    ),
    "rate_limited": Preset(
        "The next `times` requests (1 by default) get HTTP 429, as if the client had made too many;"
        " Retry-After has `seconds`.",
        {"seconds": 1, "operation": None, "times": 1},
        lambda values: [{"effect": {"status": 429, "retry_after": ceil(values["seconds"])}}],
    ),
    "slow_then_dead": Preset(
        "The first `requests` are held back for `delay` seconds; after them, every"
        " connection is dropped. In a header: the request is held back, then dropped.",
        {"requests": 3, "delay": 2, "operation": None},
        lambda values: [
            {"effect": {"delay": values["delay"]}, "times": values["requests"]},
            {"effect": {"drop": True}, "match": {"after": values["requests"]}},
        ],
    ),
    "token_expires": Preset(
        "After `requests` with a token, the token of the last one expires.",
        {"requests": 1, "operation": None},
        lambda values: [
            {
                "effect": {"expire_token": True},
                "match": {"nth": values["requests"]},
                "when": "after_commit",
                "times": 1,
            }
        ],
    ),
    "record_deleted": Preset(
        "Just before the request, another user deletes the webhook request that it names.",
        {"operation": list(WITH_RECORD), "record": None, "times": 1},
        lambda _: [{"effect": {"delete_record": True}}],
    ),
}


def preset_specs(name: str, arguments: Mapping[str, Any]) -> list[_Spec]:
    """Return the specifications that a preset makes from its arguments.

    Raises:
        NotFound: there is no preset of that name.
        UsageError: it has no such argument, or the value is not allowed.
    """
    preset = PRESETS.get(name)
    if preset is None:
        allowed = f"one of {', '.join(PRESETS)}{remedy(name) or hint(name, PRESETS)}"
        raise NotFound("preset", seen=quoted(name), allowed=allowed)
    for argument in arguments:
        if argument not in preset.arguments:
            allowed_arguments = preset.arguments
            end = remedy(argument) or hint(argument, allowed_arguments)
            allowed = f"one of {', '.join(allowed_arguments)}{end}"
            raise UsageError(argument, seen=f"with preset {name}", allowed=allowed)
    values = {**preset.arguments, **parse(arguments, "FaultPresetArguments")}
    match = {n: values[n] for n in ("operation", "record") if values.get(n) is not None}
    times = {} if values.get("times") is None else {"times": values["times"]}
    return [
        {"name": name, **times, **spec, "match": {**match, **spec.get("match", {})}}
        for spec in preset.specs(values)
    ]


def _once(preset: Preset) -> _Spec:
    """Return a specification for one request, with the effects of all faults of a preset."""
    specs = preset.specs(preset.arguments)
    effect = {name: value for spec in specs for name, value in spec["effect"].items()}
    return {"effect": effect, "when": specs[0].get("when", "before_commit")}


_ONCE: dict[str, _Spec] = {
    **{name: _once(preset) for name, preset in PRESETS.items()},
    "drop": {"effect": {"drop": True}},
    "cut": {"effect": {"cut": 40}},
    "malformed": {"effect": {"malformed": True}},
}
#: The members of the header, and their allowed values.
_PREFERENCES: dict[str, str] = {
    "fault": f"one of {', '.join(_ONCE)}",
    "error": "a kind of error",
    "status": "an HTTP status",
    "delay": "a number of seconds",
    "cut": "how many bytes of the response are sent",
    "when": "before_commit or after_commit",
}


@lru_cache(maxsize=256)
def fault_of_header(header: str) -> Fault:
    """Return the fault that the header ``X-Mock-Prefer`` requests. Raises UsageError."""
    preferences: dict[str, str] = {}
    for part in header.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in _PREFERENCES or name in preferences:
            forms = ", ".join(f"{form}=…" for form in _PREFERENCES)
            problem = f"{name} twice" if name in preferences else quoted(part.strip())
            raise UsageError(HEADER, seen=problem, allowed=f"each at most once: {forms}")
        preferences[name] = value
    spec: _Spec = {"effect": {}}
    if "fault" in preferences:
        name = preferences["fault"]
        if name not in _ONCE:
            raise UsageError(f"{HEADER}.fault", seen=quoted(name), allowed=_PREFERENCES["fault"])
        preset_spec = _ONCE[name]
        spec = {**preset_spec, "effect": dict(preset_spec["effect"])}
    if "when" in preferences:
        spec["when"] = preferences["when"]
    for name in ("error", "status", "delay", "cut"):
        if name in preferences:
            spec["effect"][name] = (
                preferences[name] if name == "error" else _number(name, preferences[name])
            )
    try:
        fault = fault_of(spec)
    except UsageError as error:
        name = error.parameter.removeprefix("effect").removeprefix(".")
        parameter = f"{HEADER}.{name}" if name else HEADER
        raise UsageError(parameter, seen=error.seen, allowed=error.allowed) from None
    name = ", ".join(f"{name}={value}" for name, value in preferences.items())
    return replace(fault, id="prefer", name=name)


def _number(name: str, text: str) -> float:
    """Return the number of a member; only a delay may be a fraction. Raises UsageError."""
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?" if name == "delay" else "[0-9]{1,9}", text):
        return float(text) if "." in text else int(text)
    parameter = f"{HEADER}.{name}"
    raise UsageError(parameter, seen=quoted(text), allowed=_PREFERENCES[name])
