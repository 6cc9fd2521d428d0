"""More members with names like documented ones, and numbers that no common type holds."""

from dataclasses import replace
from typing import Any

from sound_server.reading import Call
from sound_server.server import Reply, SoundServer
from sound_server.world import Record

FACTS = "1.4 and 2.1 to 2.3 (no page says that there are no more members)"
CHOICES: dict[str, Any] = {}
#: Written as they are, in place of their names.
NUMBERS = {
    "@huge@": b"1E+400",
    "@long@": b"-123456789012345678901234567890123456789",
    "@small@": b"4.9E-324",
    "@zero@": b"-0.0",
    "@exact@": b"12345678.90123456789012345",
}


class Server(SoundServer):
    """Shows what a later release might document."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        """Show more of a record."""
        view = super().view(record, call)
        for name in ("webhook_definition", "workflow_rule"):
            if isinstance(view.get(name), dict):
                more = {"alternative_name": None, "number": "7", "status": "OK", "entity": "ALL"}
                view[name] = {**view[name], **more}
        if isinstance(view.get("log_information"), dict):
            more = {"deleted_date": None, "creation_date": "1970-01-01T00:00:00"}
            view["log_information"] = {**view["log_information"], **more}
        return {
            **view,
            "ID": "7",
            "Number": "@long@",
            "error_date": None,
            "error_count": "@zero@",
            "created_date": "2038-01-19T03:14:07",
            "life_cycle_state_reason": "REJECTED",
            "entity_name": "NONE",
            "urls": [],
            "requests": ["@huge@", "@small@"],
            "response_time": "@exact@",
            "data": {},
        }

    def reply(self, http: int, envelope: Any) -> Reply:
        """Write the numbers."""
        reply = super().reply(http, envelope)
        body = reply.body
        for name, number in NUMBERS.items():
            body = body.replace(b'"%s"' % name.encode(), number)
        return replace(reply, body=body)
