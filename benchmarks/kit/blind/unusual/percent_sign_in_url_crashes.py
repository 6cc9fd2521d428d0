"""A list crashes if its url filter has a percent sign that is left after decoding.

Provoke it with list?entity=ACTIVITIES&url=http://hooks.example.com/a%2520b, whose value is
http://hooks.example.com/a%20b, or with a value such as 100%25. The server makes a line for its
log with the value as a format; two percent signs in a row are a percent sign there, and harmless.
"""

from stand_in.reading import Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "1.2: list takes any String as url [S, seed]; which URLs match is open (8.7), an answer "
    "in JSON is not (3: 'every response, errors included, is JSON [S]')"
)
CHOICES = {}
RELEASE = "R9"

PAGE = b"<html><body><h1>HTTP Status 500 - Internal Server Error</h1></body></html>"


class Crash(Exception):
    """A text is not a format."""


class Server(StandIn):
    """A server that uses a value as a format."""

    def answer(self, request: Request) -> Reply:
        """Run the method; a crash comes out as the container's own page."""
        try:
            return super().answer(request)
        except Crash:
            return Reply(500, "text/html;charset=utf-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and write the URL into the log."""
        super().read_arguments(call)
        url = call.parameters.get("url")
        if call.method == "list" and isinstance(url, str):
            self.log_line(url)

    def log_line(self, url: str) -> str:
        """Return the line for the log."""
        try:
            return f"list of {url}" % ()
        except (TypeError, ValueError) as error:
            raise Crash(url) from error
