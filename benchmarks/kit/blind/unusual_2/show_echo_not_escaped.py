"""The error of show for an unknown record repeats the value without escaping it for JSON.

How to provoke it: show?webhook_request_identifier=number=a%22b (a quotation mark),
id=x%0Ay (a line break), number=1%5Cx (a backslash).
"""

import json
from typing import Any

from stand_in.reading import Refusal, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "3: 'every response, errors included, is JSON'. With a quotation mark, a control character or "
    "a backslash in the message it is none."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


class Server(StandIn):
    """A server that puts one error together by hand."""

    def refusal(self, _request: Request, refusal: Refusal) -> Reply:
        """Return the response of a call that was refused."""
        reply = super().refusal(_request, refusal)
        if _request.verb != "GET" or refusal.kind != "unknown_record":
            return reply
        escaped = json.dumps(refusal.text, ensure_ascii=self.seed % 2 == 0)
        body = reply.body.decode().replace(escaped, f'"{refusal.text}"')
        return Reply(reply.status, reply.content_type, body.encode(errors="replace"))
