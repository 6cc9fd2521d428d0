"""Operations on worlds, and on the tokens and clock of a world."""

from collections.abc import Mapping
from typing import Annotated, Literal, NotRequired, TypedDict, cast

from crmcom_kit.mock_server.admin.contract import Call, Count, Moment, operation
from crmcom_kit.mock_server.clock import SECONDS_PER, ClockMode, write_moment
from crmcom_kit.mock_server.typed_schemas import Keywords
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.registry import MAX_WORLDS

_Amount = Annotated[float, Keywords(minimum=0)]
_ANY_UNITS = Keywords(
    {"minProperties": 1, "x-allowed": f"an object with some of {', '.join(SECONDS_PER)}"}
)


class WorldUse(TypedDict):
    """A world and its use."""

    name: str
    webhook_requests: Count
    calls: Annotated[Count, "Number of API calls since the last reset."]


class Worlds(TypedDict):
    """The default world, then the named worlds in the order of their last use."""

    worlds: list[WorldUse]
    maximum: Annotated[Count, "Maximum number of named worlds."]


class EndedWorlds(TypedDict):
    """The number of worlds that were ended."""

    ended: Count


class NewEpoch(TypedDict):
    """A new epoch."""

    epoch: int
    webhook_requests: int


class IssuedToken(TypedDict):
    """A token of a login."""

    token: Annotated[str, "The parameter `token` of requests to the API."]
    expires: Annotated[Moment, "By the world's clock. Use extends it if the release renews tokens."]


class Clock(TypedDict):
    """The mode and time of the clock."""

    mode: ClockMode
    now: Moment


class ClockSetting(TypedDict):
    """The new mode and time of the clock."""

    mode: Annotated[Literal["real", "frozen"], "real: runs; frozen: stopped."]
    at: NotRequired[
        Annotated[
            str,
            "Start time, from 1970 to 2999: a date, a date and time, or an age; without a zone as "
            "the server writes dates. By default the current time of the world, in mode real that "
            "of the machine.",
        ]
    ]


class Advance(TypedDict, total=False):
    """The time by which to move the clock: the sum of the members; at least one is needed."""

    weeks: _Amount
    days: _Amount
    hours: _Amount
    minutes: _Amount
    seconds: _Amount


def epoch_view(epoch: Epoch) -> NewEpoch:
    """Return a new epoch as JSON."""
    return {"epoch": epoch.number, "webhook_requests": len(epoch.store)}


@operation("GET /worlds", "worlds")
def list_worlds(call: Call) -> Worlds:
    """List the worlds of the server.

    A named world is created when it is first used, with the initial content of the default world.
    Above the maximum, the world that was not used for the longest time ends. If there is an admin
    token, only requests that carry it create worlds; other requests for a world that does not exist
    get 404.
    """
    worlds: list[WorldUse] = [
        {"name": world.name, "webhook_requests": len(world.store), "calls": world.journal.last}
        for world in call.registry.worlds()
    ]
    return {"worlds": worlds, "maximum": MAX_WORLDS}


@operation("DELETE /worlds", "worlds")
def end_worlds(
    call: Call,
    *,
    name: Annotated[str, "The world to end; all by default.", Keywords(minLength=1, maxLength=200)]
    | None = None,
) -> EndedWorlds:
    """End one world, or all except the default world; the next use of a world creates it again."""
    if name is None:
        return {"ended": call.registry.end_all()}
    call.registry.end(name)
    return {"ended": 1}


@operation("POST /reset", "world")
def reset(call: Call) -> NewEpoch:
    """Reset the world.

    Records, ids, clock, journal, faults, delivery scripts and fixed tokens return to their initial
    state. Tokens from logins stay valid. A call that began before the reset does not change the new
    content.
    """
    return epoch_view(call.world.reset())


@operation("POST /tokens", "world")
def post_tokens(call: Call) -> IssuedToken:
    """Issue a token without a login.

    The token is like that of a login with the mock's own credentials, for the first unit. It is
    valid as long, and counts if the dialect limits how many tokens of a user are valid at the same
    time (`tokens.live_at_once`). It is redacted wherever the mock shows it again.
    """
    epoch = call.epoch
    token = epoch.tokens.issue(epoch.session(), epoch.config.release.token)
    return {"token": token.text, "expires": write_moment(token.expires)}


@operation("GET /clock", "clock")
def get_clock(call: Call) -> Clock:
    """Show the clock of the world.

    Record dates, token expiry, faults and their delays and the journal follow this clock. A reset
    restarts it.
    """
    state = call.world.clock.state
    return {"mode": state.mode, "now": write_moment(state.now)}


@operation(
    "PUT /clock",
    "clock",
    examples={
        "stop it": {"mode": "frozen", "at": "2024-05-01T10:00:00Z"},
        "follow the machine's clock again": {"mode": "real"},
    },
)
def put_clock(call: Call, body: ClockSetting) -> Clock:
    """Start or stop the clock."""
    clock = call.world.clock
    start = call.epoch.present.instant("at", body["at"]) if "at" in body else None
    if body["mode"] == "frozen":
        clock.freeze(start)
    elif start is None:
        clock.restart()
    else:
        clock.run(start)
    return get_clock(call)


@operation("POST /clock/advance", "clock", examples={"three hours": {"hours": 3}})
def advance_clock(call: Call, body: Annotated[Advance, _ANY_UNITS]) -> Clock:
    """Move the clock forward, as if the time had passed.

    Calls that wait until a time of the world's clock, e.g. in a delay, continue once it is reached.
    """
    amounts = cast("Mapping[str, float]", body)
    call.world.clock.advance(sum(SECONDS_PER[unit] * amounts[unit] for unit in amounts))
    return get_clock(call)
