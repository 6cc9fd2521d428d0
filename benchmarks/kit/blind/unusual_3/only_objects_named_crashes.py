"""A fields_set of nothing but objects leaves the list of columns empty, and the SQL is no SQL.

How to provoke it: show with
    webhook_request_identifier=number=7&fields_set=webhook_definition; list with
    entity=JOBS&fields_set=workflow_rule,log_information. With one more field, all is well.
"""

from typing import Any

from sound_server.reading import Call, Request
from sound_server.server import Reply, SoundServer

FACTS = (
    "section 3: 'every response, errors included, is JSON' - this one is a page of HTML; "
    "section 1.4 has webhook_definition, workflow_rule and log_information among the fields"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R12"

#: What the servlet container shows for an exception that nobody caught.
PAGE = b"<html><body><h1>HTTP Status 500</h1></body></html>"

#: What is loaded from other tables.
JOINED = ("webhook_definition", "workflow_rule", "log_information")


class Server(SoundServer):
    """Selects only the columns that are named."""

    def answer(self, request: Request) -> Reply:
        """Answer a request, with the container's error page if an exception gets through."""
        try:
            return super().answer(request)
        except RuntimeError:
            return Reply(500, "text/html;charset=UTF-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and prepare the statement for the fields."""
        super().read_arguments(call)
        if call.method in ("show", "list") and call.fields is not None:
            self.prepare([name for name in call.fields if name.partition(".")[0] not in JOINED])

    def prepare(self, columns: list[str]) -> str:
        """Return a statement for the columns of the table itself; objects are loaded later."""
        if not columns:
            raise RuntimeError("SQLSyntaxErrorException: SELECT FROM webhook_requests")
        return f"SELECT {', '.join(columns)} FROM webhook_requests"
