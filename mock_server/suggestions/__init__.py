"""The smallest change that makes a refused call right, in the caller's own terms.

What is said is a hint of the mock's own, in a header and in the journal; an instance has none.
If a suggestion is mechanical, its changes are there besides: made on the call, they let it succeed.
"""

from crmcom_kit.mock_server.suggestions.finding import suggest
from crmcom_kit.mock_server.suggestions.suggestion import Change, Suggestion

__all__ = ["Change", "Suggestion", "suggest"]
