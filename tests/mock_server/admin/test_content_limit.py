"""How much content a world may have: every way to add to it stops at one limit."""

from typing import Any

import pytest

from crmcom_kit.fixtures import json_lines, stream, world
from crmcom_kit.mock_server.world import entries
from crmcom_kit.mock_server.world import world as world_module

LIMIT = 400_000
LARGE = "x" * 90_000


@pytest.fixture(name="admin")
def _admin(make_mock: Any, admin_of: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    for module in (entries, world_module):
        monkeypatch.setattr(module, "MAX_CONTENT", LIMIT)
    # More than the limit: what a world starts with does not count.
    return admin_of(make_mock(data=world(count=400, release="R9")).client)


def record(number: int) -> dict[str, Any]:
    return {
        "webhook_request": {
            "record": {"number": f"700{number}"},
            "data": {"id": "1", "text": LARGE},
        }
    }


def fill(admin: Any, *numbers: int) -> None:
    """Add webhook requests; there is room for four."""
    for number in numbers:
        admin.ask("POST", "/records", record(number))


def test_nothing_is_added_beyond_the_limit(admin: Any) -> None:
    """Each way is refused with the limit, and nothing has changed; what is removed makes room."""
    fill(admin, 0, 1, 2, 3)
    before = admin.send("GET", "/state").data
    many = b"".join(json_lines(stream(count=900, release="R9")))
    fired = {"entity": "ACTIVITIES", "definition": "ACT CREATE", "data": {"number": LARGE}}
    ways: list[tuple[str, str, Any]] = [
        ("POST", "/records", record(5)),
        ("PUT", "/state", many),
        ("POST", "/seed", {"count": 900}),
        ("PATCH", "/records/7003", {"data": {"id": "1", "text": "y" * 190_000}}),
        ("POST", "/records", {"webhook_definition": [{"name": "x", "description": LARGE}]}),
        ("POST", "/events/fire", fired),
    ]
    for verb, path, body in ways:
        status, error = admin.refused(verb, path, body)
        assert (status, error["parameter"]) == (503, "content"), (verb, path)
        assert error["allowed"].startswith(f"at most {LIMIT:,} bytes more than")
        assert admin.send("GET", "/state").data == before, (verb, path)

    admin.ask("DELETE", "/records/7003")
    assert admin.ask("POST", "/records", record(6))["added"] == 1
    admin.ask("POST", "/reset")
    fill(admin, 0, 1)
    fill(admin, 2, 3)
