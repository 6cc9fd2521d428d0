"""A WSGI application that is made when a request needs it.

Importing Flask is most of what a start would cost: the ASGI shell responds to the API's requests
without it, and many users never call the control API.
"""

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class LateApp:
    """A WSGI application that is made with its first request, or when ``warm`` is called."""

    def __init__(self, make: "Callable[[], WSGIApplication]") -> None:
        """Respond with the application that ``make`` returns."""
        self._make = make
        # Werkzeug compiles its rules, and Python 3.11 breaks if two threads compile at once.
        self._lock = threading.Lock()
        self._app: WSGIApplication | None = None

    def warm(self) -> "WSGIApplication":
        """Return the application, which is made once."""
        with self._lock:
            if self._app is None:
                self._app = self._make()
            return self._app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Respond to one request."""
        return (self._app or self.warm())(environ, start_response)
