"""Web pages in a real browser: one that is merely opened can neither drive nor read the mock."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from helpers.chromium import rendered

from crmcom_kit.schemas import API_PATH

SHOW = f"{API_PATH}/webhook_requests/show?token=T&webhook_request_identifier=number%3D7"
#: Host names that lead to this machine, as an attacker's name server could say.
NAMES = "--host-resolver-rules=MAP *.example 127.0.0.1"
#: Tries whatever a page may try, and says how the readable ones ended.
EVIL = """<!doctype html><title>evil</title><body>
<form method=post enctype=text/plain target=frame action="{mock}{api}/delete">
<input name='{{"token":"T","webhook_request_identifier":{{"number":"12"}},"x":"' value='"}}'></form>
<iframe name=frame></iframe><img src="{mock}{show}"><iframe src="{mock}/__admin/docs"></iframe>
<script>
document.forms[0].submit();
const body = JSON.stringify({{token: "T", webhook_request_identifier: {{number: "7"}}}});
const blind = (path, more) => fetch("{mock}" + path, {{method: "POST", mode: "no-cors", ...more}});
const read = path => fetch("{mock}" + path).then(r => r.text());
Promise.allSettled([
  blind("{api}/delete", {{body}}), blind("{api}/resend", {{body}}), blind("/__admin/reset", {{}}),
  read("{show}"), read("/__admin/state"),
]).then(all => document.body.append("DONE " + all.map(one => one.status + ":" + one.value)));
</script>"""


@contextmanager
def served_page(page: str) -> Iterator[int]:
    """Serve a page as a site of its own; yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def mock(start_server: Any) -> Any:
    """A mock that nobody else asks."""
    return start_server("--token", "T", "--log", "off")


def ask(mock: Any, path: str) -> Any:
    """The JSON that this machine's own tools get."""
    connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=20)
    connection.request("GET", path)
    found = json.load(connection.getresponse())
    connection.close()
    return found


def test_a_page_of_another_origin_changes_and_reads_nothing(mock: Any) -> None:
    """Neither forms, scripts, images nor frames get through to the API or the control API."""
    page = EVIL.format(
        mock=f"http://127.0.0.1:{mock.port}", api=f"{API_PATH}/webhook_requests", show=SHOW
    )
    before = ask(mock, "/__admin/health")
    with served_page(page) as port:
        document = rendered(f"http://evil.example:{port}/", NAMES)

    _, _, done = document.rpartition("DONE ")
    assert done.startswith("fulfilled:[object Response]," * 3 + "rejected:")  # blind, and unread
    assert '"number"' not in document
    assert ask(mock, "/__admin/health") == before
    assert ask(mock, "/__admin/requests")["requests"] == []  # not even a refusal by the API
    assert ask(mock, SHOW)["data"]["life_cycle_state"] == "REJECTED"


def test_a_rebound_name_reads_nothing(mock: Any) -> None:
    """A page's own name, made to lead here, has the page's own origin; the Host gives it away."""
    for path in (SHOW, "/__admin/requests"):
        document = rendered(f"http://rebound.example:{mock.port}{path}", NAMES)

        assert f'seen host "rebound.example:{mock.port}"' in document.replace("\\", "")
        assert '"number"' not in document


def test_people_may_look(mock: Any) -> None:
    """Under the mock's own address a browser shows what there is."""
    assert '"number":"7"' in rendered(f"http://localhost:{mock.port}{SHOW}")
