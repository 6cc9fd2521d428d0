"""A mock in this process that is asked with calls that can be changed."""

import json
from typing import Any
from urllib.parse import quote

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.schemas import API_PATH
from helpers.clocks import FixedClock
from helpers.mistakes import NOON, TOKEN, Asked


class Asker:
    """Asks a mock, and knows what it told."""

    def __init__(self, release: str = "R13", dialect: Any = "default", **more: Any) -> None:
        clock = FixedClock(NOON)
        self.world = make_world(
            release=release, dialect=dialect, tokens=[TOKEN], clock=clock, **more
        )
        self.client = create_app(self.world).test_client()

    def ask(self, asked: Asked) -> Any:
        """Return the answer."""
        query = "&".join(f"{name}={quote(str(value), safe='=')}" for name, value in asked.query)
        body = asked.body
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        url = f"{API_PATH}/{asked.path}?{query}"
        return self.client.open(url, method=asked.verb, data=body, headers=dict(asked.headers))

    def told(self) -> Any:
        """Return what is told of the last call."""
        return self.world.reader.calls()[-1]
