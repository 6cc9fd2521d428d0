"""url is normalized before it is compared: a slash more, a fragment or a port do not count.

How to provoke it: list?entity=ACTIVITIES&url=http://hooks.example.com/in/ (lists those of .../in),
url=http://hooks.example.com:80/in, url=HTTP://HOOKS.example.com/in, url=.../in%23top.
"""

from typing import Any
from urllib.parse import urlsplit

from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import Record

FACTS = (
    "1.2: 'url | String'; 8.7 leaves open 'exact, prefix or contains'. The URL of a record that "
    "is listed neither is the text asked for, nor begins with it, nor contains it."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R12"
PORTS = {"http": 80, "https": 443}


def normal(url: str) -> tuple[str, ...]:
    """Return what a URL is compared by."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return (url,)
    host = parts.hostname or ""
    return parts.scheme, host, str(port), parts.path.rstrip("/"), parts.query


class Server(StandIn):
    """A server that compares addresses and not texts."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        if name == "url":
            return normal(record.url) == normal(call.filters[name])
        return super().matches(record, name, call)
