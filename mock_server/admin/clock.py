"""Operations on the clock of a world."""

from typing import Any

from crmcom_kit.mock_server.admin.call import Call
from crmcom_kit.mock_server.admin.moments import read_moment, write_moment


def get_clock(call: Call) -> Any:
    """Say how the clock is set, and what it shows."""
    state = call.world.clock.state
    return {"mode": state.mode, "now": write_moment(state.now), "rate": state.rate}


def put_clock(call: Call) -> Any:
    """Let the clock run, stand, or run faster or slower."""
    clock, body = call.world.clock, call.body
    mode = body["mode"]
    at = read_moment(body["at"]) if "at" in body else None
    if mode == "frozen":
        clock.freeze(at)
    elif mode == "scaled":
        clock.run(at, float(body["rate"]))
    elif at is None:
        clock.restart()
    else:
        clock.run(at)
    return get_clock(call)


def advance_clock(call: Call) -> Any:
    """Move the clock on, as if so much time had passed."""
    call.world.clock.advance(call.body["seconds"])
    return get_clock(call)


OPERATIONS = {"getClock": get_clock, "putClock": put_clock, "advanceClock": advance_clock}
