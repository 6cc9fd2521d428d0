"""A small client for the tests of the stand-in; it calls the WSGI application directly."""

import io
import json
from typing import Any
from urllib.parse import quote

from stand_in.server import API_PATH, ORGANISATION, PASSWORD, USERNAME, StandIn
from stand_in.world import REJECTED, SUCCESSFUL, Record

LOGIN = {"username": USERNAME, "password": PASSWORD, "organisation": ORGANISATION}
ROOM = "webhook_requests"


class Client:
    """Calls one server with one token; each call returns the envelope, or None where it is none."""

    def __init__(self, app: StandIn) -> None:
        self.app = app
        self.log_in()

    def log_in(self) -> None:
        """Get another token."""
        self.token: str = self.post("authentication/token", LOGIN)["data"]["token"]

    def keep_token(self) -> None:
        """Get another token where tokens end at any time."""
        if self.app.choices.ends_tokens:
            self.log_in()

    def call(self, verb: str, method: str, query: str, body: bytes, **headers: str) -> Any:
        """Send one request."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": verb,
            "PATH_INFO": f"{API_PATH}/{method}",
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        self.heads: list[Any] = []
        text = b"".join(self.app(environ, lambda *head: self.heads.append(head)))
        if text.startswith(b"<html>Please try again"):
            environ["wsgi.input"] = io.BytesIO(body)
            text = b"".join(self.app(environ, lambda *head: self.heads.append(head)))
        try:
            return json.loads(text)
        except ValueError:
            return None

    def get(self, method: str, **parameters: Any) -> Any:
        """Call a GET method; the token is added unless it is given."""
        self.keep_token()
        given = {"token": self.token, **parameters}
        pairs = [f"{name}={quote(str(text), safe='=')}" for name, text in given.items() if text]
        return self.call("GET", f"{ROOM}/{method}", "&".join(pairs), b"")

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """Call a POST method with a body."""
        return self.call("POST", path, "", json.dumps(body).encode(), **headers)

    def show(self, fields_set: str = "", token: str | None = None, **identifier: str) -> Any:
        """Show the record with an id or a number."""
        self.keep_token()
        ((name, value),) = identifier.items()
        given = {"webhook_request_identifier": f"{name}={value}", "fields_set": fields_set}
        return self.get("show", token=self.token if token is None else token, **given)

    def search(self, **filters: Any) -> Any:
        """Return the envelope of a list."""
        return self.get("list", **filters)

    def act(self, method: str, identifier: Any, **more: Any) -> Any:
        """Resend or delete."""
        self.keep_token()
        body = {"token": self.token, "webhook_request_identifier": identifier, **more}
        return self.post(f"{ROOM}/{method}", body)

    def resend(self, **identifier: str) -> Any:
        """Resend the record with an id or a number."""
        return self.act("resend", identifier)

    def delete(self, **identifier: str) -> Any:
        """Delete the record with an id or a number."""
        return self.act("delete", identifier)

    def rows(self, **filters: Any) -> list[Any]:
        """Return the records of a list."""
        envelope = self.search(**filters)
        rows: list[Any] = (ok(envelope) and envelope.get("data")) or []
        return rows

    def ids(self, **filters: Any) -> list[Any]:
        """Return the ids in a list."""
        return [row["id"] for row in self.rows(**filters)]

    # What a test starts from.

    @property
    def records(self) -> list[Record]:
        """All records that the server has."""
        return [*self.app.records.values()]

    def pick(self, state: str, position: int = 0) -> Record:
        """Return a record in a state."""
        return [r for r in self.records if r.life_cycle_state == state][position]

    @property
    def rejected(self) -> Record:
        """The first rejected record."""
        return self.pick(REJECTED)

    @property
    def successful(self) -> Record:
        """The first successful record."""
        return self.pick(SUCCESSFUL)


def ok(envelope: Any) -> bool:
    """Return whether a response is a success."""
    return isinstance(envelope, dict) and envelope["status"]["code"] == "OK"


def refused(envelope: Any) -> bool:
    """Return whether a response is an error in JSON."""
    return isinstance(envelope, dict) and envelope["status"]["code"] != "OK"
