"""A list that selects nothing answers an error with a code of its own."""

from typing import Any

from sound_server.reading import Call, Refusal, Request
from sound_server.server import Reply, SoundServer

FACTS = "8.9"  # arguable: for an empty list it names [], null and no data, not an error
CHOICES: dict[str, Any] = {}
CODE = "COM.CRM.EXCEPTION.WEBHOOKS.NOWEBHOOKREQUESTSFOUNDEXCEPTION"


class Server(SoundServer):
    """Takes a list without records for a failure."""

    def do_list(self, call: Call) -> Any:
        """Refuse an empty list."""
        rows = super().do_list(call)
        if not rows:
            raise Refusal("no_results", "No webhook requests were found.")
        return rows

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        """Answer an empty list."""
        if refusal.kind != "no_results":
            return super().refusal(request, refusal)
        status = {"message": refusal.text, "description": "", "code": CODE}
        return self.reply(200, {"status": status})
