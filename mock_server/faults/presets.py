"""Named faults: frequent failures. A *preset* makes specifications from its arguments."""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any, NamedTuple

from crmcom_kit.mock_server.faults.validation import parse
from crmcom_kit.removed_names import remedy
from crmcom_kit.schemas.possible import WITH_RECORD
from crmcom_kit.usage_errors import NotFound, UsageError, hint, quoted

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
        " connection is dropped.",
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
