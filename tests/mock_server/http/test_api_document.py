"""`/openapi.json` and `/docs`: the emulated API's own document, and a page to read it on."""

import json

import pytest
from click.testing import CliRunner

from crmcom_kit.cli import main
from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH


@pytest.mark.parametrize("root", ["", "/worlds/a"])
def test_the_served_document_is_the_one_that_the_command_prints(root: str) -> None:
    """In the release and dialect being served; its server is the world of the request."""
    client = create_app(release="R14", dialect="http").test_client()
    server = f"http://127.0.0.1:4711{root}{API_PATH}"

    document = client.get(f"{root}/openapi.json", base_url="http://127.0.0.1:4711").json

    options = ["--release", "R14", "--dialect", "http"]
    printed = json.loads(CliRunner().invoke(main, ["openapi", *options]).stdout)
    assert document == {**printed, "servers": [{"url": server}]}


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/docs.js"])
def test_the_document_and_its_page_need_no_token(path: str) -> None:
    """They have no secret; a page of another host gets nothing, as from the API."""
    registry = WorldRegistry(make_world(), access=Access(admin_token="hunter22"))
    client = create_app(registry).test_client()

    response = client.get(path)
    assert (response.status_code, "hunter22" in response.text) == (200, False)
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 403
