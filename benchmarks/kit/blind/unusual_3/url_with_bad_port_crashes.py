"""The url filter is taken apart before it is compared; a bad port or a lone bracket crashes that.

How to provoke it: list with
    entity=JOBS&url=http://hooks.example.com:99999/in, or url=http://example.com:port/, or
    url=http://[in.
"""

from typing import Any
from urllib.parse import urlsplit

from sound_server.reading import Call, Request
from sound_server.server import Reply, SoundServer

FACTS = (
    "section 3: 'every response, errors included, is JSON' - this one is a page of HTML; "
    "section 1.2: url is a 'String' and optional, so any text may be looked for"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R15"

#: What the servlet container shows for an exception that nobody caught.
PAGE = b"<html><body><h1>HTTP Status 500</h1></body></html>"


class Server(SoundServer):
    """Looks URLs up in an index of hosts and ports."""

    def answer(self, request: Request) -> Reply:
        """Answer a request, with the container's error page if an exception gets through."""
        try:
            return super().answer(request)
        except ValueError:
            return Reply(500, "text/html;charset=UTF-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and split the URL for the index of hosts and ports."""
        super().read_arguments(call)
        if "url" in call.filters:
            self.host_and_port(call.filters["url"])

    def host_and_port(self, url: str) -> tuple[str, int]:
        """Return what the index has of a URL."""
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or 80
