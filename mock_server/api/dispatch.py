"""One request through the emulator: faults, the API's own answer, the journal. No web framework."""

from crmcom_kit.mock_server.api.answering import respond
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Response, misused
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.mock_server.world.world import World


def dispatch(world: World, request: Request) -> Response:
    """Return what ``world`` answers to ``request``, and record it in the journal.

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
    epoch.journal.record(began, request, answer, fault)
    return answer
