"""Web pages in a real browser: unless allowed, they can neither drive nor read the mock."""

from typing import Any
from urllib.parse import urlsplit

from helpers.chromium import rendered
from helpers.serving import served
from werkzeug.wrappers import Response

from crmcom_kit.schemas import API_PATH

METHODS = f"{API_PATH}/webhook_requests"
SHOW = f"{METHODS}/show?token=T&webhook_request_identifier=number%3D7"
#: Host names that lead to this machine, as an attacker's name server could say.
NAMES = "--host-resolver-rules=MAP *.example 127.0.0.1"
#: Tries whatever a page may try, and says how the readable ones ended.
EVIL = """<!doctype html><title>evil</title><body>
<form method=post enctype=text/plain target=frame action="{mock}{api}/delete">
<input name='{{"token":"T","webhook_request_identifier":{{"number":"14"}},"x":"' value='"}}'></form>
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


def test_a_page_of_another_origin_changes_and_reads_nothing(server: Any) -> None:
    """Neither forms, scripts, images nor frames get through to the API or the control API."""
    page = EVIL.format(mock=f"http://127.0.0.1:{server.port}", api=METHODS, show=SHOW)
    before = server.ask("GET", "/__admin/health")[1]
    with served(Response(page, mimetype="text/html")) as site:
        document = rendered(f"http://evil.example:{urlsplit(site).port}/", NAMES)

    _, _, done = document.rpartition("DONE ")
    assert done.startswith("fulfilled:[object Response]," * 3 + "rejected:")  # blind, and unread
    assert '"number"' not in document
    assert server.ask("GET", "/__admin/health")[1] == before
    # There is not even a refusal by the API.
    assert server.ask("GET", "/__admin/requests")[1]["requests"] == []
    assert server.ask("GET", SHOW)[1]["data"]["life_cycle_state"] == "REJECTED"


def test_people_may_read_the_apis_document(server: Any) -> None:
    """The policy of the page lets it show each method, and the webhook."""
    page = rendered(f"http://localhost:{server.port}/worlds/a/docs")

    for shown in ("/webhook_requests/resend", "third_party_message", f"/worlds/a{API_PATH}"):
        assert shown in page
