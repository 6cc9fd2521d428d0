"""Call a WSGI application in this process, which can be made anew."""

from collections.abc import Callable
from typing import Any

import httpx

WsgiApp = Callable[..., Any]


class InProcess(httpx.WSGITransport):
    """A transport to an application that can be made anew."""

    def __init__(self, make: Callable[[], WsgiApp]) -> None:
        """Call what ``make`` returns; it is asked again for a fresh one."""
        super().__init__(make())
        self._make = make

    def renew(self) -> None:
        """Go on with an application that nobody has called yet."""
        self.app = self._make()
