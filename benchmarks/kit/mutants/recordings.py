"""Check recordings of sound clients with sound servers.

A session is two clients of one legal server with random choices. The clients do nothing that the
documents refuse, and the server keeps to the documents. So neither may be accused.
"""

from pathlib import Path
from random import Random
from typing import Any

from helpers.recordings import Entry, archive, checked, written_down
from sound_server.client import Client, ok
from sound_server.legal import random_choices
from sound_server.server import SoundServer
from sound_server.world import Record

from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.schemas import resolve

STEPS = 60
LOST: Entry = {"status": 0, "content": {}}


class SoundClient(Client):
    """A client that sends only what the documents allow, and looks before it changes anything."""

    def __init__(self, app: SoundServer, chance: Random, entries: list[Entry]) -> None:
        super().__init__(app)
        self.chance, self.entries = chance, entries

    def get(self, method: str, **given: Any) -> Any:
        """Call show or list; what is refused is sent once more, with a new token."""
        envelope = super().get(method, **given)
        if ok(envelope):
            return envelope
        self.log_in()
        return super().get(method, **given)

    def step(self) -> None:
        """Do one thing that an integration does."""
        record = self.chance.choice(self.records[:20] or [None])
        steps = [self.list_some, self.list_some, self.look, self.look, self.resend, self.delete]
        step = self.chance.choice([*steps, self.renew])
        if record is not None:
            step(record)

    def list_some(self, record: Record) -> None:
        """List by filters, perhaps in pages."""
        filters: dict[str, Any] = {"entity": record.entity}
        more = {"life_cycle_state": "REJECTED", "url": record.url, "entity_id": record.entity_id}
        more["fields_set"] = "id,number"
        names = self.chance.sample(sorted(more), self.chance.randrange(3))
        filters |= {name: more[name] for name in names}
        if resolve(self.app.release).at_least("R13.0.0") and self.chance.random() < 0.5:
            for offset in (0, 3, 6):
                self.list(**filters, number_of_results=3, offset=offset)
        else:
            self.list(**filters)

    def look(self, record: Record) -> Any:
        """Show a record by id or number, and return it unless it is gone."""
        name = self.chance.choice(("id", "number"))
        envelope = self.show(**{name: str(getattr(record, name))})
        return envelope["data"] if ok(envelope) else None

    def change(self, method: str, record: Record) -> None:
        """Resend or delete a record; the response may be lost."""
        self.act(method, {"id": record.id})
        if self.chance.random() < 0.3:
            self.entries[-1]["response"] = LOST

    def resend(self, record: Record) -> None:
        """Resend a record as long as a look shows it REJECTED."""
        for _ in range(3):
            view = self.look(record)
            if view is None or view["life_cycle_state"] != "REJECTED":
                return
            self.change("resend", record)

    def delete(self, record: Record) -> None:
        """Delete a record, and again if a look still shows it."""
        for _ in range(2):
            if self.look(record) is None:
                return
            self.change("delete", record)

    def renew(self, _record: Record) -> None:
        """Release the token if the release can, and log in again."""
        if resolve(self.app.release).at_least("R10.0.0"):
            self.post("authentication/token/release", {"token": self.token})
        self.log_in()


def session(seed: int, folder: Path) -> Results:
    """Return what the kit says of the recording of one session, which depends on the seed alone."""
    choices, release = random_choices(seed)
    app, chance = SoundServer(choices, release, seed), Random(f"session {seed}")
    entries = written_down(app)
    clients = [SoundClient(app, chance, entries) for _ in range(2)]
    tokens = {client.token for client in clients}
    for _ in range(STEPS):
        client = chance.choice(clients)
        client.step()
        tokens.add(client.token)
    text = archive(entries, "WebInspector" if seed % 3 else "mitmproxy")
    for token in tokens if seed % 2 else ():
        text = text.replace(token, "REDACTED")
    return checked(folder, text, release=release)


def mistakes(results: Results) -> list[str]:
    """Return the mistakes of the client."""
    found = results.client.mistakes if results.client is not None else ()
    return [f"{mistake.remark.statement}: {mistake.remark.why}" for mistake in found]
