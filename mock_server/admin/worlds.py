"""Operations on the worlds of the server, and on the clock of one."""

from typing import Any

from crmcom_kit.mock_server.admin.call import Call
from crmcom_kit.mock_server.admin.values import read_moment, write_moment
from crmcom_kit.mock_server.clock import SECONDS_PER


def list_worlds(call: Call) -> Any:
    """List the worlds that exist, the default one first."""
    registry = call.registry
    worlds = [
        {
            "name": one.world.name,
            "epoch": one.world.epoch_number,
            "webhook_requests": len(one.world.store),
            "calls": one.world.journal.last,
            "idle": None if one.idle is None else round(one.idle, 3),
        }
        for one in registry.worlds()
    ]
    return {"worlds": worlds, "maximum": registry.max_worlds, "world_idle": registry.idle_seconds}


def end_worlds(call: Call) -> Any:
    """Remove all worlds except the default one, or one; its next use creates it again."""
    if "name" not in call.query:
        return {"ended": call.registry.end_all()}
    call.registry.end(call.query["name"])
    return {"ended": 1}


def get_clock(call: Call) -> Any:
    """Return the mode and time of the clock."""
    state = call.world.clock.state
    return {"mode": state.mode, "now": write_moment(state.now)}


def put_clock(call: Call) -> Any:
    """Let the clock run or stop."""
    clock, body = call.world.clock, call.body
    at = read_moment(body["at"]) if "at" in body else None
    if body["mode"] == "frozen":
        clock.freeze(at)
    elif at is None:
        clock.restart()
    else:
        clock.run(at)
    return get_clock(call)


def advance_clock(call: Call) -> Any:
    """Move the clock forward, as if the time had passed."""
    seconds = sum(number * SECONDS_PER[unit] for unit, number in call.body.items())
    call.world.clock.advance(seconds)
    return get_clock(call)
