"""Operations on the faults of a world."""

from typing import Any

from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.faults.presets import PRESETS
from crmcom_kit.mock_server.faults.registry import FaultState


def list_faults(call: Call) -> Any:
    """Return the faults of the world."""
    return _listed(call.world.faults.all())


def add_fault(call: Call) -> Any:
    """Add one fault, or those of a preset."""
    spec, faults = dict(call.body), call.world.faults
    preset = spec.pop("preset", None)
    added = faults.add_all([spec]) if preset is None else faults.add_preset(preset, spec)
    return Reply(_listed(added), 201)


def clear_faults(call: Call) -> Any:
    """Remove all faults, or one."""
    faults = call.world.faults
    if "id" in call.query:
        faults.remove(call.query["id"])
    else:
        faults.clear()
    return list_faults(call)


def list_fault_presets(call: Call) -> Any:
    """Return the presets and their arguments."""
    del call
    return {
        "presets": [
            {"name": name, "text": preset.text, "arguments": preset.arguments}
            for name, preset in PRESETS.items()
        ]
    }


def _listed(states: tuple[FaultState, ...]) -> Any:
    return {"faults": [state.as_json() for state in states]}
