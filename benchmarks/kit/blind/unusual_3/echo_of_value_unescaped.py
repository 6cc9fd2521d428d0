"""The message of an error is glued into the JSON with the value of the client, unescaped.

How to provoke it: show with
    webhook_request_identifier=number=7%228 (or a backslash, or a line break); list with
    entity=JOBS&created_date=%22yesterday%22 or entity=JOBS&fields_set=id,%22number%22.
"""

from typing import Any

from sound_server.reading import Refusal, Request
from sound_server.server import Reply, SoundServer

FACTS = (
    "section 3: 'every response, errors included, is JSON' - a quote, a backslash or a control "
    "character in a value leaves a text that no parser of JSON reads"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R9"

#: Where the template of an error has its message.
SLOT = "%MESSAGE%"


class Server(SoundServer):
    """Fills a template of an error by replacing text."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        """Return the response of a refused call, made from a template where it reads."""
        if request.verb != "GET":
            return super().refusal(request, refusal)
        template = super().refusal(request, Refusal(refusal.kind, SLOT))
        body = template.body.replace(SLOT.encode(), refusal.text.encode())
        return Reply(template.status, template.content_type, body)
