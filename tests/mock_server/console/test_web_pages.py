"""Web pages in a real browser: unless allowed, they can neither drive nor read the mock."""

from urllib.parse import urlsplit

import httpx
from helpers.serving import origin_of, served
from playwright.sync_api import BrowserContext, expect
from werkzeug.wrappers import Response

from crmcom_kit.mock_server.python_api import Mock
from crmcom_kit.schemas import API_PATH

METHODS = f"{API_PATH}/webhook_requests"
SHOW = f"{METHODS}/show?token=T&webhook_request_identifier=number%3D7"
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


def test_a_page_of_another_origin_changes_and_reads_nothing(
    browser: BrowserContext, mock: Mock
) -> None:
    """Neither forms, scripts, images nor frames get through to the API or the control API."""
    evil = EVIL.format(mock=origin_of(mock), api=METHODS, show=SHOW)
    before = httpx.get(f"{origin_of(mock)}/__admin/health").json()
    page = browser.pages[0]
    with served(Response(evil, mimetype="text/html")) as site:
        page.goto(f"http://evil.example:{urlsplit(site).port}/")
        expect(page.locator("body")).to_contain_text("DONE ")
        page.wait_for_load_state("networkidle")
        document = page.content()
        page.goto("about:blank")

    _, _, done = document.rpartition("DONE ")
    assert done.startswith("fulfilled:[object Response]," * 3 + "rejected:")  # blind, and unread
    assert '"number"' not in document
    assert httpx.get(f"{origin_of(mock)}/__admin/health").json() == before
    assert list(mock.requests) == []  # there is not even a refusal by the API
    assert mock.records["7"]["life_cycle_state"] == "REJECTED"


def test_people_may_read_the_apis_document(browser: BrowserContext, mock: Mock) -> None:
    """The policy of the page lets it show each method, and the webhook."""
    page = browser.pages[0]
    page.goto(f"{origin_of(mock).replace('127.0.0.1', 'localhost')}/worlds/a/docs")

    for shown in ("/webhook_requests/resend", "third_party_message", f"/worlds/a{API_PATH}"):
        expect(page.locator("body")).to_contain_text(shown)
    page.goto("about:blank")
