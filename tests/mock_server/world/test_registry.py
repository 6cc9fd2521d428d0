"""Worlds: found by path, made on first use, and nothing of one shows in another."""

from functools import partial
from typing import Any

import pytest
from helpers.threads import at_once

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.world import registry as registry_module
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH
from crmcom_kit.usage_errors import NotFound, UsageError

SHOW = f"{API_PATH}/webhook_requests/show?webhook_request_identifier=number=7&token="


LOGIN = {"username": "mpadministrator", "password": "crmcom-kit", "organisation": "CRMDEMO"}


def names(registry: WorldRegistry) -> list[str]:
    return [world.name for world in registry.worlds()]


@pytest.fixture(name="registry")
def _registry() -> WorldRegistry:
    return WorldRegistry(make_world(tokens=["T"]))


@pytest.fixture(name="client")
def _client(registry: WorldRegistry) -> Any:
    return create_app(registry).test_client()


def test_the_path_names_the_world(registry: WorldRegistry, client: Any) -> None:
    """Each name is another world; without one, and by its own name, it is the default one."""
    body = {"token": "T", "webhook_request_identifier": {"number": "7"}}
    path = f"{API_PATH}/webhook_requests/delete"
    names_given = ["a", "A.b_c-9", "0", "x" * 64, "default"]

    for name in names_given:
        assert client.post(f"/worlds/{name}{path}", json=body).json["status"]["code"] == "OK"
    assert "NOTFOUND" in client.post(path, json=body).json["status"]["code"]
    assert names(registry) == ["default", *names_given[:-1]]


def test_an_invalid_name_is_refused(registry: WorldRegistry, client: Any) -> None:
    """A world's name is short and plain; another name creates no world."""
    for name in ("", "-a", ".", "..", "a b", "a" * 65, "a,b", "é", "a%", "\ttab", "a\x7f", "_a"):
        path = {"PATH_INFO": f"/worlds/{name}{API_PATH}/webhook_requests/show"}
        response = client.get("/", environ_overrides=path)
        assert (response.status_code, response.json["parameter"]) == (400, "world"), name
        assert "64 letters" in response.json["allowed"]
        assert names(registry) == ["default"]
        with pytest.raises(UsageError):
            registry.get(name)


def test_an_admin_token_is_what_a_header_carries() -> None:
    """Another one could never be given, so no server begins with it; no message shows it."""
    world = make_world()
    for token in ("", "HUSH1 HUSH", "HUSH1\n", "\tHUSH1", "HUSH1\x7f", "HUSHé1"):
        with pytest.raises(UsageError, match="printable ASCII without spaces") as refused:
            WorldRegistry(world, access=Access(admin_token=token))
        assert "HUSH" not in str(refused.value)


def test_only_the_holder_of_the_admin_token_creates_worlds() -> None:
    """Requests without it use worlds that exist, and get an error for others."""
    registry = WorldRegistry(make_world(tokens=["T"]), access=Access(admin_token="sesame"))
    client = create_app(registry).test_client()
    path = f"/worlds/a{SHOW}T"
    others = [{"X-Mock-Admin-Token": "other"}, {"Authorization": "Bearer sesame"}, {}]

    for headers in others:
        response: Any = client.get(path, headers=headers)
        assert (response.status_code, response.json["parameter"]) == (404, "world")
        assert "admin token in X-Mock-Admin-Token" in response.json["allowed"]
        assert names(registry) == ["default"]
        assert client.get(f"/worlds/-{SHOW}T", headers=headers).status_code == 400
    assert client.get(path, headers={"X-Mock-Admin-Token": "sesame"}).status_code == 200
    assert names(registry) == ["default", "a"]
    assert client.get(path, headers=others[0]).status_code == 200


def test_tokens_of_logins_hold_in_one_world(client: Any) -> None:
    """A token of one world is refused in all others; a fixed one holds everywhere."""
    roots = ("", "/worlds/a", "/worlds/b")
    path = f"{API_PATH}/authentication/token"
    issued = [client.post(f"{root}{path}", json=LOGIN).json["data"]["token"] for root in roots]

    codes = [
        [client.get(f"{root}{SHOW}{token}").json["status"]["code"] for token in (*issued, "T")]
        for root in roots
    ]
    assert [[code == "OK" for code in of_world] for of_world in codes] == [
        [True, False, False, True],
        [False, True, False, True],
        [False, False, True, True],
    ]


def test_worlds_that_were_not_used_make_room(
    registry: WorldRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of too many worlds the one that was used longest ago ends, and what waits in it."""
    monkeypatch.setattr(registry_module, "MAX_WORLDS", 2)
    client = create_app(registry).test_client()
    used, old = registry.get("used"), registry.get("old")
    client.get(f"/worlds/used{SHOW}T")

    assert client.get(f"/worlds/new{SHOW}T").status_code == 200

    assert names(registry) == ["default", "used", "new"]
    assert registry.get("used") is used
    assert old.journal.closed
    with pytest.raises(NotFound, match="old"):
        registry.end("old")


def test_many_make_one_world_together(registry: WorldRegistry) -> None:
    """Who come at once to a world that is not there yet all come to the same one."""
    worlds = at_once([partial(registry.get, "together")] * 16)

    assert len(set(map(id, worlds))) == 1
