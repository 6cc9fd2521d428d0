"""A small client of the sound server; it calls the WSGI application directly."""

import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from sound_server.reading import IDENTIFIER
from sound_server.server import API_PATH, ORGANISATION, PASSWORD, USERNAME, SoundServer
from sound_server.world import REJECTED, SUCCESSFUL, Record

LOGIN = {"username": USERNAME, "password": PASSWORD, "organisation": ORGANISATION}


class Caller:
    """Calls one server with a token; each call returns the envelope, or None if there is none."""

    token: str

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    def send(self, verb: str, path: str, query: str = "", body: bytes = b"", **more: str) -> Any:
        """Send one request, with more headers."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": verb,
            "PATH_INFO": f"{API_PATH}/{path}",
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **{f"HTTP_{name.upper()}": value for name, value in more.items()},
        }
        self.heads: list[Any] = []
        self.content = b"".join(self.app(environ, lambda *head: self.heads.append(head)))
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    def post(self, path: str, body: Any) -> Any:
        """Call a method with a JSON body."""
        return self.send("POST", path, body=json.dumps(body).encode())

    def get(self, method: str, **parameters: Any) -> Any:
        """Call show or list; a parameter that is None is left out."""
        parameters = {"token": self.token, **parameters}
        pairs = [f"{k}={quote(str(v), safe='=')}" for k, v in parameters.items() if v is not None]
        return self.send("GET", f"webhook_requests/{method}", "&".join(pairs))

    def list(self, **parameters: Any) -> Any:
        """List what filters select."""
        return self.get("list", **parameters)

    def act(self, method: str, identifier: Any, **parameters: Any) -> Any:
        """Resend or delete a record."""
        body = {"token": self.token, IDENTIFIER: identifier, **parameters}
        body = {name: value for name, value in body.items() if value is not None}
        return self.post(f"webhook_requests/{method}", body)


class Client(Caller):
    """Calls a sound server after a login; logs in before each call if tokens end early."""

    app: SoundServer

    def __init__(self, app: SoundServer) -> None:
        super().__init__(app)
        self.log_in()

    def log_in(self) -> None:
        """Get another token."""
        self.token = self.post("authentication/token", LOGIN)["data"]["token"]

    def send(self, verb: str, path: str, query: str = "", body: bytes = b"", **more: str) -> Any:
        """Send one request, and once more if a gateway answers it."""
        envelope = super().send(verb, path, query, body, **more)
        return super().send(verb, path, query, body, **more) if envelope is None else envelope

    def get(self, method: str, **parameters: Any) -> Any:
        """Call show or list."""
        if self.app.choices.ends_tokens:
            self.log_in()
        return super().get(method, **parameters)

    def act(self, method: str, identifier: Any, **parameters: Any) -> Any:
        """Resend or delete a record."""
        if self.app.choices.ends_tokens:
            self.log_in()
        return super().act(method, identifier, **parameters)

    def show(self, fields_set: str = "", **identifier: str) -> Any:
        """Show the record with an id or a number."""
        ((name, value),) = identifier.items()
        named = {IDENTIFIER: f"{name}={value}"}
        return self.get("show", **named, fields_set=fields_set or None)

    def rows(self, **filters: Any) -> list[Any]:
        """Return the records of a list."""
        envelope = self.list(**filters)
        rows: list[Any] = (ok(envelope) and envelope.get("data")) or []
        return rows

    # What a test starts from.

    @property
    def records(self) -> list[Record]:
        """All records that the server has."""
        return [*self.app.records.values()]

    @property
    def rejected(self) -> Record:
        """The first rejected record."""
        return next(r for r in self.records if r.life_cycle_state == REJECTED)

    @property
    def successful(self) -> Record:
        """The first successful record."""
        return next(r for r in self.records if r.life_cycle_state == SUCCESSFUL)


def ok(envelope: Any) -> bool:
    """Return whether a response is a success."""
    return isinstance(envelope, dict) and envelope["status"]["code"] == "OK"


def refused(envelope: Any) -> bool:
    """Return whether a response is an error in JSON."""
    return isinstance(envelope, dict) and envelope["status"]["code"] != "OK"
