"""Web pages of origins that are allowed by name: in a real browser, and the headers one by one."""

from typing import Any

import pytest
from helpers.chromium import rendered
from helpers.web_sites import served
from werkzeug.test import Client

from crmcom_kit.mock_server import create_app
from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.world.factory import make_world
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH

METHODS = f"{API_PATH}/webhook_requests"
#: What a single-page application does: read, change with JSON, and ask the control API.
PAGE = """<!doctype html><body><script>
const call = (path, more) => fetch("{mock}" + path, more).then(
  async r => `${{r.status}} ${{r.headers.get("X-Crmcom-Mock")}} ${{await r.text()}}`);
const body = JSON.stringify({{token: "T", webhook_request_identifier: {{number: "7"}}}});
const headers = {{"Content-Type": "application/json"}};
Promise.allSettled([
  call("{methods}/resend", {{method: "POST", headers, body}}),
  call("/__admin/health"),
  call("/__admin/faults", {{method: "DELETE", headers: {{"X-Own": "mine"}}}}),
]).then(all => document.body.append("DONE " + all.map(one => one.value ?? "no").join(" NEXT ")));
</script>"""


@pytest.fixture(scope="module")
def asked(start_server: Any) -> list[list[str]]:
    """What a page of the allowed origin gets, and a page of another one."""
    found = []
    page = ""
    with served(lambda _: (200, "text/html", page.encode())) as port:
        mock = start_server("--token", "T", "--cors", f"http://localhost:{port}", "--log", "off")
        page = PAGE.format(mock=f"http://127.0.0.1:{mock.port}", methods=METHODS)
        for host in ("127.0.0.1", "localhost"):
            document = rendered(f"http://{host}:{port}/")
            found.append(document.rpartition("DONE ")[2].split(" NEXT "))
    return found


def test_a_page_of_an_allowed_origin_works(asked: list[list[str]]) -> None:
    """It reads, sends JSON and own headers, and uses the control API."""
    resent, health, cleared = asked[1]
    assert resent.startswith("200 ")
    assert '"life_cycle_state":"SUCCESSFUL"' in resent
    assert "null" not in resent.split()[1]  # headers of the mock can be read, too
    assert '"status":"healthy"' in health
    assert cleared.startswith("2")


def test_a_page_of_another_origin_gets_nothing(asked: list[list[str]]) -> None:
    """The same site under another name is another origin."""
    assert [each[:2] for each in asked[0]] == ["no"] * 3


def answer(verb: str, allowed: str, **headers: str) -> tuple[str, dict[str, str]]:
    """What the WSGI application sends back."""
    access = Access(origins=frozenset([allowed]))
    app = create_app(WorldRegistry(make_world(tokens=["T"]), access=access))
    found = Client(app).open(
        f"{METHODS}/list?token=T",
        method=verb,
        environ_overrides={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost", **headers},
    )
    return found.status, dict(found.headers)


def test_a_preflight_request_is_answered_for_allowed_origins_only() -> None:
    """It names what may be sent, and reaches neither the API nor its journal."""
    ask = {
        "HTTP_ORIGIN": "http://a.example",
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST",
        "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "content-type, x-mock-prefer",
        "HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK": "true",
    }
    status, headers = answer("OPTIONS", "http://a.example", **ask)
    assert status.startswith("204 ")
    assert headers["Access-Control-Allow-Origin"] == "http://a.example"
    assert headers["Access-Control-Allow-Headers"] == "content-type, x-mock-prefer"
    assert headers["Access-Control-Allow-Private-Network"] == "true"
    assert "POST" in headers["Access-Control-Allow-Methods"]
    status, headers = answer("OPTIONS", "http://b.example", **ask)
    assert status.startswith("4")
    assert "Access-Control-Allow-Origin" not in headers


def test_an_ordinary_client_sees_no_difference() -> None:
    """A request without an Origin gets no headers of CORS."""
    status, headers = answer("GET", "*")
    assert status == "200 OK"
    assert not any(name.startswith("Access-Control") for name in headers)
