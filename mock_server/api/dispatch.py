"""One request through the emulator: faults, the API's own answer, the journal. No web framework."""

from crmcom_kit.mock_server.api.answering import answer_to
from crmcom_kit.mock_server.usage_errors import Misuse
from crmcom_kit.mock_server.protocol.request import RawRequest
from crmcom_kit.mock_server.protocol.response import Answer, misused
from crmcom_kit.mock_server.world.world import World


def act(world: World, request: RawRequest) -> Answer:
    """Return what ``world`` answers to ``request``, and note it in the journal.

    The call stays in the epoch that it began in: what a reset overtakes changes nothing after it.
    """
    epoch = world.present
    began = epoch.clock.now()
    fault = None
    try:
        if epoch.faults.armed or request.prefer:
            fault = epoch.faults.strike(epoch, request)
    except Misuse as misuse:
        answer = misused(misuse)
    else:
        if fault is None:
            answer = answer_to(epoch, request)
        else:
            answer = fault.applied(epoch, request, answer_to)
    epoch.journal.note(began, request, answer, fault)
    return answer
