"""The panel of requests: what arrives is shown, found, explained, copied and repeated."""

import os
import re
import subprocess
import threading
from typing import Any

from helpers.calling import list_of, resend, show
from helpers.console import Console, details, fill
from playwright.sync_api import Page, Route, expect

from crmcom_kit.mock_server.python_api import Mock

#: How many pixels parts of the page are too wide.
OVERFLOW = """() => [...document.querySelectorAll('body, main, aside')]
  .map(one => one.scrollWidth - one.clientWidth)"""


def rejected(mock: Mock) -> str:
    return str(mock.records.filter(life_cycle_state="REJECTED")[0]["number"])


def journal(mock: Mock) -> list[dict[str, Any]]:
    body: list[dict[str, Any]] = mock.client().get(f"{mock.admin_url}/requests").json()["requests"]
    return body


def opened(page: Page, name: str, *, tab: str = "Why") -> None:
    """Open the newest request whose row has that text, at one of its tabs."""
    page.get_by_role("row", name=name).first.click()
    page.get_by_role("tab", name=tab).click()


def test_requests_are_found(console: Console, mock: Mock) -> None:
    """By words, by terms and by choices; an unknown term is an error."""
    number = rejected(mock)
    list_of(mock, entity="JOBS")
    show(mock)
    show(mock, "9999")
    resend(mock, number)
    resend(mock, number)
    mock.fail(status=503, times=1)
    show(mock, "7")
    page = console.open()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(6)
    page.keyboard.press("/")
    counts = {
        "record:7": 2,
        "record:7 outcome:served": 1,
        "entity:jobs method:list": 1,
        "fault:503": 1,
        "nothing like it": 0,
    }
    for asked, count in counts.items():
        page.get_by_role("searchbox").fill(asked)
        expect(rows).to_have_count(count)
    alert = page.get_by_role("alert")
    for asked, known in (
        ("foo:bar", "method:, outcome:"),
        ("outcome:bad", "served, warned, refused"),
    ):
        page.get_by_role("searchbox").fill(asked)
        expect(alert).to_contain_text(known)
    page.get_by_role("button", name="Show all").click()
    expect(alert).to_have_count(0)
    page.get_by_label("Method").select_option("resend")
    page.get_by_label("Outcome").select_option("refused")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"requests\?search=method%3Aresend\+outcome%3Arefused$"))


def test_a_row_shows_filters_results_and_duration(console: Console, mock: Mock) -> None:
    """A list its filters and its results, each request its milliseconds; served, its response."""
    body = list_of(mock, entity="JOBS", fields_set="number").json()["data"]
    page = console.open(width=390)
    row = page.get_by_role("row", name="list")
    expect(row).to_contain_text(f"{len(body)} results")
    expect(row).to_contain_text("JOBS · fields_set=number")
    expect(row).to_contain_text(re.compile(r"\d\d:\d\d:\d\d\.\d\d\d"))
    expect(row.locator(".took")).to_contain_text(re.compile(r"\d m?s"))
    for cell in row.get_by_role("cell").all():
        assert cell.evaluate("one => one.scrollWidth <= one.clientWidth")
    row.click()
    expect(page.get_by_role("tabpanel", name="Response")).to_contain_text('"number"')


def test_a_refusal_is_explained(console: Console, mock: Mock) -> None:
    """By reason, statement, evidence and dials, with a suggestion."""
    page = console.open()
    record = mock.records.filter()[0]
    show(mock, record["id"])
    opened(page, "unknown webhook request")
    shown = details(page)
    expect(shown).to_contain_text("no webhook request has the number")
    expect(shown).to_contain_text("errors.unknown_webhook_request.status = 200")
    link = shown.get_by_role("link", name="identifier.known")
    expect(link).to_have_attribute("href", "#/w/default/evidence/identifier.known")
    expect(shown).not_to_contain_text(mock.token + "&")
    expect(shown).to_contain_text(f"Suggestion use webhook_request_identifier=id={record['id']}")


def test_a_request_that_is_held_back_is_running(console: Console, mock: Mock) -> None:
    """In the list and opened, until its response; then the same row shows how it ended."""
    page = console.open()
    number = rejected(mock)
    mock.fail(operation="resend", delay=300, when="after_commit")
    calling = threading.Thread(target=resend, args=(mock, number))
    calling.start()
    try:
        rows = page.get_by_role("row", name="resend")
        expect(rows).to_contain_text("running · held back by the fault delay")
        opened(page, "running", tab="Response")
        expect(page.get_by_role("tabpanel")).to_contain_text("it has no response yet")
        page.get_by_role("tab", name="Why").click()
        expect(page.get_by_role("tabpanel")).to_contain_text("Fault delay delay 300, after commit")
        expect(page.get_by_role("tabpanel")).to_contain_text("The request is running.")
    finally:
        mock.clock.freeze()  # it goes on
        calling.join()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("fault delay · REJECTED → SUCCESSFUL")
    page.get_by_role("tab", name="Response").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("200 OK")


def test_a_copied_request_runs(console: Console, mock: Mock) -> None:
    """In a shell, it makes the same request, with the token from the environment."""
    hostile = 'it\'s "$HOME" `id` !! {x} ${y} \\ é'
    client = mock.client()
    list_of(mock, entity="JOBS", entity_id=hostile)
    client.post("webhook_requests/resend", json={"token": mock.token, "id": hostile, "no": None})
    client.post("webhook_requests/resend", content=f'{{"token" : "{mock.token}", "x": 1.50}}')
    made = journal(mock)
    page = console.open()
    for entry in made:
        page.goto(f"{console.url}/#/requests/{entry['number']}")
        heading = details(page).get_by_role("heading", level=2)
        expect(heading).to_contain_text(str(entry["number"]))
        details(page).get_by_role("button", name="Copy as curl").first.click()
        expect(page.get_by_role("status").last).to_contain_text("$TOKEN")
        code = page.evaluate("navigator.clipboard.readText()")
        assert f'"{mock.token}"' not in code
        assert f"token={mock.token}" not in code
        done = subprocess.run(
            ["bash", "-euc", code],
            env={**os.environ, "TOKEN": mock.token},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        again = journal(mock)[0]
        assert again["number"] > entry["number"]
        for name in ("method", "url", "code", "statement"):
            assert again[name] == entry[name]
        assert again["request"]["parameters"] == entry["request"]["parameters"]


def test_a_request_is_traced_and_repeated(console: Console, mock: Mock) -> None:
    """With a new token; one with another secret is not, and the page says why."""
    page = console.open()
    number = rejected(mock)
    resend(mock, number)
    opened(page, "REJECTED → SUCCESSFUL")
    panel = page.get_by_role("tabpanel")
    expect(panel.locator(".trace").get_by_role("listitem")).to_have_count(5)
    delivery = panel.get_by_role("link", name="Delivery 1", exact=True)
    expect(delivery).to_have_attribute("href", "#/w/default/deliveries/1")
    record = panel.get_by_role("link", name=f"#{number}").first
    expect(record).to_have_attribute("href", f"#/w/default/records/{number}")
    expect(panel.locator(".change")).to_contain_text("REJECTED → SUCCESSFUL")
    page.get_by_role("button", name="Replay").click()
    expect(page.locator('tr[aria-selected="true"]')).to_contain_text("not rejected")
    wrong = {"username": "u", "password": "not the right one", "organisation": "o"}
    mock.client().post("authentication/token", json=wrong)
    opened(page, "wrong credentials")
    assert "not the right one" not in page.content()
    before = len(journal(mock))
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_role("status").last).to_contain_text("it needs $PASSWORD")
    assert len(journal(mock)) == before


IDENTIFIER = "webhook_request_identifier"
#: Requests that the mock refuses with a suggestion: verb, path, query, and more for httpx.
REFUSED: list[tuple[str, str, dict[str, str], dict[str, Any]]] = [
    ("GET", "list", {"entity": "JOBS"}, {}),
    ("GET", "show", {"token": "T", IDENTIFIER: "7"}, {}),
    ("GET", "../webhook_request/show", {"token": "T", IDENTIFIER: "number=7"}, {}),
    ("GET", "resend", {"token": "T", IDENTIFIER: "number=7"}, {}),
    ("GET", "show", {IDENTIFIER: "number=7"}, {"headers": {"Authorization": "Bearer T"}}),
    ("POST", "show", {}, {"json": {"token": "T", IDENTIFIER: {"number": "7"}}}),
    ("POST", "resend", {}, {"json": {"token": "T", IDENTIFIER: 7}}),
    ("POST", "resend", {}, {"json": {"token": "other", IDENTIFIER: {"number": "7"}}}),
    ("POST", "resend", {"token": "T"}, {"json": {IDENTIFIER: {"number": "7"}}}),
    ("POST", "resend", {}, {"data": {"token": "T", IDENTIFIER: "number=7"}}),
]


def test_a_suggestion_is_filled_in_and_sent(console: Console, mock: Mock) -> None:
    """The request that it makes is served, whatever was wrong."""
    page = console.open()
    for verb, path, query, more in REFUSED:
        mock.change("7", life_cycle_state="REJECTED")
        mock.requests.clear()
        mock.client().request(verb, f"webhook_requests/{path}", params=query, **more)
        [refused] = journal(mock)
        assert refused["near_miss"]["suggestion"] is not None, (verb, path, query)
        address = f"{console.url}/#/requests/{refused['id']}"
        page.goto(address)
        heading = details(page).get_by_role("heading", level=2)
        expect(heading).to_have_text(re.compile(rf" {refused['number']}$"))
        page.get_by_role("button", name="Edit and send").click()
        expect(details(page)).to_contain_text(f"Filled in {refused['near_miss']['suggestion']}")
        details(page).get_by_role("button", name="Send", exact=True).click()
        expect(page).not_to_have_url(address)
        assert journal(mock)[0]["outcome"] == "accepted", (verb, path, query)


def test_one_suggestion_leads_to_the_next(console: Console, mock: Mock) -> None:
    """The mock names one mistake of several: the form comes back until the request is served."""
    list_of(mock, entity="job", life_cycle_state="rejected")
    page = console.open("/requests/1")
    page.get_by_role("button", name="Edit and send").click()
    tips = details(page).locator(".tip")
    for count in (1, 2):
        expect(tips).to_have_count(count)
        expect(details(page)).to_contain_text("The mock names one mistake at a time")
        details(page).get_by_role("button", name="Send", exact=True).click()
        kind = "good" if count == 2 else "refused"
        expect(page.locator(f".message .mark.{kind}")).to_be_visible()
    assert [view.outcome for view in mock.requests] == ["refused", "refused", "accepted"]


def test_a_request_is_edited(console: Console, mock: Mock) -> None:
    """Any request; a refusal has the words of a failed test, never in green, below all."""
    show(mock)
    page = console.open("/requests/1", width=390, height=844)
    page.get_by_role("button", name="Edit and send").click()
    form = page.get_by_role("form", name="Edit and send")
    target = form.get_by_label("path and query")
    expect(target).to_have_value(re.compile(r"/show\?token=\$TOKEN&"))
    fill(page, "Edit and send", "Send", target="//example.com/")
    expect(target).to_have_accessible_description(re.compile("not a path"))
    fill(page, "Edit and send", "Send", target="/crmapi/rest/v2/webhook_requests/list?token=$TOKEN")
    expect(page.get_by_role("heading", name="GET webhook_requests/list 2")).to_be_visible()
    reason = journal(mock)[0]["near_miss"]["reason"]
    message = page.locator(".message")
    expect(message.locator(".mark.refused")).to_contain_text(reason)
    assert reason in repr(mock.requests)
    details_box, message_box = details(page).bounding_box(), message.bounding_box()
    assert details_box is not None
    assert message_box is not None
    assert details_box["y"] + details_box["height"] <= message_box["y"], "the message covers them"


def test_a_replay_opens_its_own_request(console: Console, mock: Mock) -> None:
    """Even if another client sends the same meanwhile."""
    show(mock)
    page = console.open("/requests/1")

    def between(route: Route) -> None:
        show(mock)
        response = route.fetch()
        show(mock)
        route.fulfill(response=response)

    page.route("**/webhook_requests/show*", between)
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_role("heading", name="GET webhook_requests/show 3")).to_be_visible()


def test_messages_end(console: Console, mock: Mock) -> None:
    """Good ones and bad ones, but not while they are pointed at."""
    show(mock)
    page = console.open("/requests/1")
    page.clock.install()
    page.get_by_role("button", name="Copy as curl").click()
    message = page.locator(".message")
    expect(message).to_contain_text("Copied")
    message.hover()
    page.clock.fast_forward("00:30")
    expect(message).to_contain_text("Copied")
    page.get_by_role("tab", name="Why").hover()
    page.clock.fast_forward("00:30")
    expect(message).to_be_empty()


def test_hostile_contents_are_text(console: Console, mock: Mock) -> None:
    """Markup, escapes of terminals, turned text and a megabyte break nothing."""
    markup = "<img src=x onerror=alert(1)><script>alert(1)</script>\x1b[31m\u202eRTL\u2066"
    for number in ("W" * 900_000, markup + "W" * 300):
        resend(mock, number)
    page = console.open()
    for row in (2, 1):
        page.get_by_role("row").nth(row).click()
        for tab in ("Why", "Response", "Request"):
            page.get_by_role("tab", name=tab).click()
            expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()
            assert max(page.evaluate(OVERFLOW)) <= 0
    expect(page.get_by_role("tabpanel")).to_contain_text("<script>alert(1)</script>")
    assert "\u202e" not in page.locator("body").inner_text()
    assert page.locator("img, main script").count() == 0
