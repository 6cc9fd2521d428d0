"""show decodes its identifier twice: a percent sign in it ends in a page of HTML, or elsewhere.

How to provoke it: show?webhook_request_identifier=number=100%25 (a page: illegal hex characters in
escape pattern), number=%2537 (the text %37: shows number 7).
"""

import re
from typing import Any
from urllib.parse import unquote

from stand_in.reading import IDENTIFIER, Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "3: 'every response, errors included, is JSON'; the page of HTML is none. 1.2: 'exactly one "
    "of the two' fields names the record, and no record has the number %37."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R15"
PAGE = (
    b"<html><head><title>Error 500</title></head><body><h1>HTTP Status 500</h1><pre>"
    b"java.lang.IllegalArgumentException: URLDecoder: Illegal hex characters in escape (%) pattern"
    b"</pre></body></html>"
)


class IllegalEscapeError(Exception):
    """A percent sign without two hexadecimal digits behind it."""


class Server(StandIn):
    """A server whose show decodes what was decoded already."""

    def answer(self, request: Request) -> Reply:
        """Run the method that the request is for."""
        try:
            return super().answer(request)
        except IllegalEscapeError:
            return Reply(500, "text/html;charset=UTF-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of a call of webhook_requests."""
        text = call.parameters.get(IDENTIFIER)
        if call.method == "show" and isinstance(text, str):
            if re.search("%(?![0-9A-Fa-f]{2})", text):
                raise IllegalEscapeError
            call.parameters[IDENTIFIER] = unquote(text)
        super().read_arguments(call)
