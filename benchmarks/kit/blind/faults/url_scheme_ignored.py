"""The filter url does not tell http from https.

Breaks list: "url: The URL related with the webhook requests that should be returned as a result".
Whether the filter is exact, a beginning or a part (8.7), no http:// URL has an https:// one in it.
"""

from typing import Any

from sound_server import reading
from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, list: url"
CHOICES: dict[str, Any] = {}
RELEASE = "R18"


def bare(url: str) -> str:
    """Return a URL without its scheme."""
    return url.removeprefix("http://").removeprefix("https://")


class Server(SoundServer):
    """Compares URLs without their schemes."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        if super().matches(record, name, call):
            return True
        wanted = call.filters[name] if name == "url" else None
        return wanted is not None and reading.url_matches(
            self.choices, bare(record.url), bare(wanted)
        )
