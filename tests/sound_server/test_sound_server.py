"""The sound server is independent, and its legal variants are legal."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from sound_server.client import LOGIN, Client, ok, refused
from sound_server.legal import VARIANTS, random_choices
from sound_server.reading import FIELDS
from sound_server.server import SoundServer
from sound_server.world import REJECTED, SUCCESSFUL

ROOMS = {"crmcom_kit", "mock_server", "fixtures", "schemas", "contract_tests", "helpers"}


def test_imports_no_room() -> None:
    for path in Path(__file__).parent.glob("*.py"):
        for line in path.read_text().splitlines():
            if line.lstrip().startswith(("import ", "from ")):
                assert not {*re.findall(r"\w+", line)} & ROOMS, line


def test_the_same_seed_makes_the_same_server() -> None:
    first, same, different = (
        Client(SoundServer(seed=seed)).list(entity="JOBS") for seed in (3, 3, 4)
    )
    assert first == same != different


def look_around(app: SoundServer) -> None:
    """Call all four methods, and assert what every legal server does."""
    client, choices = Client(app), app.choices
    if app.key >= (18, 0) and choices.r18 == "refused":
        assert refused(client.list(entity="JOBS"))
        return
    number = client.rejected.number
    shown = client.show(number=number)
    if not choices.has_others or ok(shown):
        assert set(FIELDS) <= set(shown["data"]) or choices.unset_members == "absent"
        assert shown["data"]["number"] == number
    for state in (REJECTED, SUCCESSFUL):
        for row in client.rows(entity="JOBS", life_cycle_state=state):
            assert (row["entity"], row["life_cycle_state"]) == ("JOBS", state)
            assert state == REJECTED or row.get("error_code") is None
    assert refused(client.list())
    assert refused(client.list(life_cycle_state=REJECTED))
    assert refused(client.show(number="987654"))
    assert refused(client.get("show", webhook_request_identifier=f"number={number}", token="0"))
    assert refused(client.act("delete", {"id": client.rejected.id, "number": number}))
    effects(client)


def at_a_quiet_moment(app: SoundServer) -> SoundServer:
    """Return a server that is not busy: else any request may be refused."""
    app.choices = replace(app.choices, busy="none")
    return app


def effects(client: Client) -> None:
    """Resend and delete, and assert what every legal server does."""
    choices = client.app.choices
    assert choices.has_others or refused(client.act("resend", {"id": client.successful.id}))
    sent = client.rejected
    response = client.act("resend", {"id": sent.id})
    assert choices.has_others or ok(response) or refused(response)
    for _ in range(0 if choices.resend_when == "at_once" else 10):
        client.list(entity="JOBS")  # until a queued resend is through
    sure = sent.definition.effective and not sent.definition.fails
    if sure and not choices.has_others:
        data: Any = client.show(id=sent.id)["data"]
        assert data["life_cycle_state"] == SUCCESSFUL
        assert data.get("error_code") is data.get("error_description") is None
    gone = client.records[-1]
    client.act("delete", {"id": gone.id})
    assert refused(client.show(id=gone.id))
    # Another user may have been faster.
    again = client.act("delete", {"id": gone.id})
    assert ok(again) == (choices.second_delete == "ok")


def test_legal_variants_are_legal() -> None:
    assert len(VARIANTS) >= 60
    for name, variant in VARIANTS.items():
        try:
            look_around(at_a_quiet_moment(variant.server()))
        except Exception as error:
            raise AssertionError(name) from error


def test_random_choices_are_legal() -> None:
    for seed in range(20):
        choices, release = random_choices(seed)
        try:
            look_around(at_a_quiet_moment(SoundServer(choices, release, seed)))
        except Exception as error:
            raise AssertionError((seed, choices, release)) from error


def test_every_choice_has_a_variant() -> None:
    seen = {name for variant in VARIANTS.values() for name in variant.changes}
    assert seen == set(SoundServer().choices.__dataclass_fields__)


def test_a_login_needs_all_three() -> None:
    client = Client(SoundServer())
    for name in LOGIN:
        assert refused(client.post("authentication/token", {**LOGIN, name: "x"}))
