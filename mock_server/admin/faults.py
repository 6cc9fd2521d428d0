"""Operations on the faults of a world."""

from typing import Annotated, Any, NotRequired, Required, TypedDict

from crmcom_kit.mock_server.admin.contract import Call, Moment, operation
from crmcom_kit.mock_server.faults import specification
from crmcom_kit.mock_server.faults.presets import PRESETS
from crmcom_kit.mock_server.faults.registry import FaultState
from crmcom_kit.mock_server.faults.specification import (
    FaultEffect,
    FaultMatch,
    FaultPresetArguments,
    FaultSpec,
)
from crmcom_kit.mock_server.typed_schemas import Keywords

_Preset = Annotated[str, Keywords(enum=[*PRESETS])]
_ARGUMENT_NAMES = {name: [*preset.arguments] for name, preset in PRESETS.items()}


class Fault(TypedDict):
    """A fault and its counts so far."""

    id: str
    name: specification.Name
    match: FaultMatch
    effect: FaultEffect
    when: specification.When
    times: NotRequired[specification.Times]
    lifetime: NotRequired[specification.Lifetime]
    calls: Annotated[int, "The number of requests that it matched so far."]
    hits: Annotated[int, "The number of requests that it hit so far."]
    left: NotRequired[Annotated[int, "The number that it can still hit; absent for any number."]]
    expires: NotRequired[Annotated[Moment, "When it expires, by the world's clock."]]
    over: Annotated[bool, "True if it will not hit any more requests."]


class Faults(TypedDict):
    """Faults, in the order in which they were added."""

    faults: list[Fault]


class FaultOfPreset(FaultPresetArguments, total=False):
    """A preset and its arguments."""

    preset: Required[Annotated[_Preset, Keywords({"x-beside": _ARGUMENT_NAMES})]]


class FaultPreset(TypedDict):
    """A preset, and its arguments with their defaults."""

    name: _Preset
    text: str
    arguments: FaultPresetArguments


class Presets(TypedDict):
    """The named faults."""

    presets: list[FaultPreset]


@operation("GET /faults", "faults")
def list_faults(call: Call) -> Faults:
    """List all faults, in the order in which they were added, including faults that are over."""
    return _view(call.world.faults.all())


@operation(
    "POST /faults",
    "faults",
    status=201,
    examples={
        "preset": {"preset": "lost_response", "times": 2},
        "lost response": {
            "match": {"operation": "resend"},
            "effect": {"drop": True},
            "when": "after_commit",
            "times": 1,
        },
        "busy": {
            "name": "busy",
            "effect": {"delay": 0.8, "status": 503, "retry_after": 5},
            "times": 10,
        },
        "third request": {
            "match": {"operation": ["show", "resend"], "record": "7", "nth": 3},
            "effect": {"error": "unknown_webhook_request"},
        },
    },
)
def add_fault(call: Call, body: FaultSpec | FaultOfPreset) -> Faults:
    """Inject a fault, or the faults of a preset.

    The first active fault that matches a request hits it. A fault counts all requests that match
    it, whether it hits them or not. A reset removes all faults; an import leaves them as they
    are. Returns the faults that were added.
    """
    spec, faults = dict[str, Any](body), call.world.faults
    preset = spec.pop("preset", None)
    states = faults.add(spec) if preset is None else faults.add_preset(preset, spec)
    return _view(states)


@operation("DELETE /faults", "faults")
def clear_faults(
    call: Call, *, id: Annotated[str, "The fault to remove; all by default."] | None = None
) -> Faults:
    """Remove all faults, or one; return the remaining faults."""
    faults = call.world.faults
    if id is None:
        faults.clear()
    else:
        faults.remove(id)
    return _view(faults.all())


@operation("GET /faults/presets", "faults")
def list_fault_presets(call: Call) -> Presets:
    """List the named faults, each with its arguments and their defaults."""
    del call
    return {
        "presets": [
            {"name": name, "text": preset.text, "arguments": preset.arguments}
            for name, preset in PRESETS.items()
        ]
    }


def _view(states: tuple[FaultState, ...]) -> Faults:
    views: list[Any] = [state.as_json() for state in states]
    return {"faults": views}
