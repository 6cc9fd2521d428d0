"""Operations on the tokens of a world."""

from typing import Any

from crmcom_kit.mock_server.admin.call import Call
from crmcom_kit.mock_server.admin.values import write_moment


def post_tokens(call: Call) -> Any:
    """Issue a token, as authentication/token does for the mock's own credentials."""
    epoch = call.epoch
    issued = epoch.tokens.issue(epoch.session(), epoch.config.release.token)
    return {"token": issued.text, "expires": write_moment(issued.expires)}
