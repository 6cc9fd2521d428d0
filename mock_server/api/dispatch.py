"""One request through the emulator: faults, the API's own answer, the journal. No web framework."""

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from crmcom_kit.mock_server.api.answering import respond
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Response, misused
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.mock_server.world.world import World


def dispatch(world: World, request: Request) -> Response:
    """Return what ``world`` answers to ``request``, and note it in the journal.

    The call stays in the epoch that it began in: what a reset overtakes changes nothing after it.
    """
    epoch = world.current_epoch
    began = epoch.clock.now()
    fault = None
    try:
        if epoch.faults.has_active or request.prefer:
            fault = epoch.faults.select(epoch, request)
    except UsageError as misuse:
        answer = misused(misuse)
    else:
        if fault is None:
            answer = respond(epoch, request)
        else:
            answer = fault.applied(epoch, request, respond)
    epoch.journal.note(began, request, answer, fault)
    return answer


class Wait(NamedTuple):
    """Something that a request waits for, in a thread of its own."""

    block: Callable[[], Any]
    seconds: float | None = None

    def left(self) -> float:
        return 0.0


def steps(world: World, request: Request) -> Generator[Wait, Any, Response]:
    """Do what ``dispatch`` does, and yield whenever it has to wait."""
    epoch = world.current_epoch
    if epoch.faults.has_active or request.prefer or request.path.endswith("resend"):
        response: Response = yield Wait(lambda: dispatch(world, request))
        return response
    return dispatch(world, request)
