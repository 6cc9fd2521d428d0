"""Which suggestion a refused call gets, by the kind of its error."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import Given
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.suggestions import identifiers, logins, requests, values
from crmcom_kit.mock_server.suggestions.suggestion import RefusedCall, Suggestion
from crmcom_kit.schemas.methods import Method

if TYPE_CHECKING:
    from crmcom_kit.mock_server.world.epoch import Epoch

#: What finds the suggestion of each kind of error.
MENDS: dict[str, Callable[[RefusedCall], Suggestion | None]] = {
    **requests.MENDS,
    **logins.MENDS,
    **identifiers.MENDS,
    **values.MENDS,
}


def suggest(
    error: VendorError,
    method: Method | None,
    request: Request,
    given: Given | None,
    epoch: "Epoch",
) -> Suggestion | None:
    """Return the smallest change that makes a refused call right; None where there is none known.

    Args:
        error: what it was refused with.
        method: what it called; None where the path has no method.
        request: the call.
        given: its parameters; None where they could not be read.
        epoch: the world that refused it, which is asked for records that there are.
    """
    return MENDS[error.kind](RefusedCall(error, method, request, given, epoch))
