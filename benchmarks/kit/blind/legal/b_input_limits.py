"""Queries of more than 1,024 characters and fields_set of more than 15 names are refused."""

from typing import Any

from sound_server.reading import Call, Refusal, Request
from sound_server.server import ERRORS, SoundServer

FACTS = "8.10, 8.14"  # duplicate and unknown names; nothing is said of the length of a URL
CHOICES: dict[str, Any] = {"error_http": "by_kind"}

ERRORS.setdefault("query_too_long", ("WEBAPI", "REQUESTURITOOLONG", 414))
ERRORS.setdefault("too_many_fields", ("WEBAPI", "TOOMANYFIELDS", 400))


class Server(SoundServer):
    """Has room for all 15 fields, each once, and for any request that makes sense."""

    def route(self, request: Request) -> Call:
        """Return the call that a request is, if it is short enough."""
        if len(request.query) > 1024:
            raise Refusal("query_too_long", "The query has more than 1024 characters.")
        return super().route(request)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and count the names in fields_set."""
        super().read_arguments(call)
        if call.fields is not None and len(call.fields) > 15:
            raise Refusal("too_many_fields", "fields_set has more than 15 names.")
