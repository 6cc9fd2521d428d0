"""Suggestions: the smallest change that makes a refused request valid, in the caller's own terms.

A suggestion is a hint of the mock's own, in a header and in the journal; CRM.COM sends none. Its
mechanical changes, made on the request, make it succeed.
"""

from collections.abc import Callable

from crmcom_kit.mock_server.api.suggestions import identifiers, requests, values
from crmcom_kit.mock_server.api.suggestions.refused_call import RefusedCall
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import Given
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Suggestion
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.schemas.methods import Method

#: What finds the suggestion for each kind of error.
FINDERS: dict[str, Callable[[RefusedCall], Suggestion | None]] = {
    **requests.FINDERS,
    **identifiers.FINDERS,
    **values.FINDERS,
}


def suggest(
    error: VendorError,
    method: Method | None,
    request: Request,
    given: Given | None,
    epoch: Epoch,
) -> Suggestion | None:
    """Return the smallest change that makes a refused request valid; None if none is known.

    ``method`` is None if the path has no method, ``given`` if the parameters could not be read.
    Suggestions name records that exist in ``epoch``.
    """
    return FINDERS[error.kind](RefusedCall(error, method, request, given, epoch))
