"""The panel of records: found among many, looked into, and changed, each as a script could."""

import re
from typing import Any

import pytest
from helpers.calling import resend
from helpers.console import Console, confirm, details
from playwright.sync_api import Page, expect

from crmcom_kit.mock_server.python_api import Mock
from crmcom_kit.schemas import Dialect, resolve
from crmcom_kit.schemas.profile import Profile

LIST = "/w/default/records"
#: What an instance has shown may lack nearly everything, or have another type.
BARE = {"id": "short", "number": "WR-7", "life_cycle_state": "REJECTED", "log_information": None}
ODD = {**BARE, "id": "odd", "number": "8", "error_code": 5, "log_information": {"created_date": 9}}
PROFILE = Profile(
    resolve("R9"),
    Dialect("profile", {}),
    tuple({"webhook_request": {"record": one, "recorded": True}} for one in (BARE, ODD)),
    {},
)


def rows(page: Page) -> Any:
    return page.get_by_role("table", name="Records").locator("tbody tr")


def number_in(state: str, mock: Mock) -> str:
    records = [one["number"] for one in mock.records if one["life_cycle_state"] == state]
    return str(records[-1])


def test_many_records_come_in_pages_newest_first(console: Console, mock: Mock) -> None:
    mock.seed(count=1_200)
    page = console.open(LIST)
    expect(page.get_by_text("100 of 1,200")).to_be_visible()
    expect(rows(page).first).to_contain_text("#1200")
    page.get_by_role("button", name="Show more").click()
    expect(page.get_by_text("200 of 1,200")).to_be_visible()
    expect(rows(page).nth(199)).to_contain_text("#1001")


def test_records_are_found(console: Console, mock: Mock) -> None:
    """By filters in the address, which looking into a record keeps, by a number, or by a term."""
    page = console.open(LIST)
    page.get_by_label("State").select_option("REJECTED")
    page.get_by_label("Entity").select_option("JOBS")
    expect(page).to_have_url(re.compile("search=state%3AREJECTED.entity%3AJOBS$"))
    records = mock.records.filter(entity="JOBS", life_cycle_state="REJECTED")
    expect(rows(page)).to_have_count(len(records))
    rows(page).first.get_by_role("link").click()
    expect(page.get_by_role("heading", name=f"#{records[-1]['number']} JOBS")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("search=state%3AREJECTED.entity%3AJOBS$"))
    page.reload()
    expect(rows(page)).to_have_count(len(records))
    expect(rows(page).first).to_contain_text(f"#{records[-1]['number']}")
    # The mock refuses an invalid term, and none may be found.
    search = page.get_by_role("searchbox", name="Search")
    search.fill("#77")
    expect(rows(page)).to_have_count(1)
    search.fill("state:soon")
    expect(page.get_by_role("main")).to_contain_text('state: seen "soon"')
    search.fill("url:nowhere.example")
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_text(f"of {len(mock.records)}")).to_be_visible()


def test_a_record_and_what_happened_to_it(console: Console, mock: Mock) -> None:
    """What another program does appears without a reload, with links to requests and deliveries."""
    number = number_in("REJECTED", mock)
    mock.deliveries.script("timeout, success", record=number)
    mock.clock.freeze()  # then only what caused a delivery says where it belongs
    page = console.open(f"{LIST}/{number}")
    expect(details(page)).to_contain_text(mock.records[number]["id"])
    details(page).get_by_role("tab", name="History").click()
    expect(details(page).get_by_role("heading", name="Nothing has touched it")).to_be_visible()
    for _ in range(3):
        resend(mock, number)
    lines = details(page).get_by_role("listitem")
    expect(lines).to_have_text(
        [
            re.compile(r"resend +! not delivered, REJECTED again"),
            re.compile(r"delivery 1 +resend +! timeout"),
            re.compile(r"resend +✓ REJECTED → SUCCESSFUL"),
            re.compile(r"delivery 2 +resend +✓ success"),
            re.compile(r"resend +✕ not rejected"),
        ]
    )
    row = page.get_by_role("row", name=f"#{number}")
    expect(row).to_contain_text("SUCCESSFUL")
    expect(lines.nth(4).get_by_role("link")).to_have_attribute(
        "href", "#/w/default/requests/" + mock.requests[-1].id
    )
    lines.nth(1).get_by_role("link").click()
    expect(page.get_by_role("heading", name=f"Delivery 1 of #{number}")).to_be_visible()


def test_resend_and_delete_as_a_client(console: Console, mock: Mock) -> None:
    """Both are requests to the API; what it refuses is shown in its words."""
    number = number_in("REJECTED", mock)
    page = console.open(f"{LIST}/{number}")
    status = page.get_by_role("status")
    page.get_by_role("button", name="Resend").click()
    expect(status.filter(has_text="REJECTED → SUCCESSFUL")).to_be_visible()
    assert mock.requests[-1].operation == "resend"
    page.get_by_role("button", name="Resend").click()
    expect(status.filter(has_text="only a REJECTED webhook request")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    confirm(page, "Delete")
    expect(status.filter(has_text="→ deleted")).to_be_visible()
    expect(page.get_by_role("heading", name=f"#{number} is gone")).to_be_visible()
    expect(details(page).get_by_role("listitem").last).to_contain_text("deleted")
    assert number not in mock.records
    # Browsers have this interface only on this machine and over https.
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    status.get_by_role("button", name="Copy as curl").click()
    expect(status.filter(has_text="Copied")).to_be_visible()


@pytest.mark.parametrize("mock", [{"profile": PROFILE}], indirect=True)
def test_a_record_of_an_instance_is_shown(console: Console) -> None:
    """Whatever it lacks, or has."""
    page = console.open()
    for name, own_id in (("WR-7", "short"), ("8", "odd")):
        page.goto(f"{console.url}/#{LIST}/{name}")
        expect(details(page)).to_contain_text(own_id)
