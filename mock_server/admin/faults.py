"""Operations on the faults of a world."""

from typing import Any

from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.faults.presets import PRESETS
from crmcom_kit.mock_server.faults.registry import FaultState


def list_faults(call: Call) -> Any:
    """Return the faults of the world."""
    return _listed(call.world.faults.all())


def add_fault(call: Call) -> Any:
    """Add one fault."""
    (state,) = call.world.faults.add_all([call.body])
    return Reply(state.as_json(), 201)


def clear_faults(call: Call) -> Any:
    """Remove all faults."""
    call.world.faults.clear()
    return _listed(())


def get_fault(call: Call) -> Any:
    """Return one fault."""
    return call.world.faults.find(call.path["id"]).as_json()


def remove_fault(call: Call) -> Any:
    """Remove one fault."""
    call.world.faults.remove(call.path["id"])
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


def add_fault_preset(call: Call) -> Any:
    """Add the faults of a preset."""
    states = call.world.faults.add_preset(call.path["name"], call.body or {})
    return Reply(_listed(states), 201)


def _listed(states: tuple[FaultState, ...]) -> Any:
    return {"faults": [state.as_json() for state in states]}
