"""The panel of faults and time: what goes wrong on purpose, and what the clock says."""

import re

from helpers.console import Console, copied, fill
from helpers.serving import origin_of
from playwright.sync_api import expect

from crmcom_kit.mock_server.python_api import Mock


def test_faults_are_added_hit_and_are_removed(console: Console, mock: Mock) -> None:
    """What it hits is counted without a reload; what another program adds appears as well."""
    page = console.open("/w/default/faults")
    page.get_by_text("rate_limited", exact=True).click()
    fill(page, "Add rate_limited", "Add", seconds="7", times="2")
    active = page.get_by_role("region", name="Active faults")
    expect(active).to_contain_text("status 429, retry after 7 for every request")
    expect(active).to_contain_text("no matching request yet · 2 left")
    assert mock.client().get("webhook_requests/list").status_code == 429
    expect(active).to_contain_text("1 hit of 1 matching request · 1 left")
    mock.client().get("webhook_requests/show")
    over = page.get_by_role("region", name="Faults", exact=True)
    expect(over).to_contain_text("No fault is active.")
    expect(over.get_by_role("link", name="2 hits")).to_have_count(0)  # it is folded
    over.get_by_text("1 finished fault").click()
    over.get_by_role("link", name="2 hits").click()
    expect(page.get_by_role("row", name="list")).to_contain_text("rate_limited")
    page.go_back()
    mock.fail("slow_then_dead", requests=2, delay=5)
    expect(active).to_contain_text("drop for every request · after the first 2")
    mock.fail(operation="show", nth=[4, 9], malformed=True)
    expect(active).to_contain_text("malformed, after commit for show · only number 4, 9")
    page.get_by_role("button", name="Remove all").click()
    expect(page.get_by_text("No fault is active.")).to_be_visible()
    assert copied(page) == f"curl -s -X DELETE '{origin_of(mock)}/__admin/faults'"
    assert mock.client().get("webhook_requests/list").status_code == 200


def test_any_fault_is_added_by_a_form(console: Console, mock: Mock) -> None:
    """It has a field for each member of a fault; what contradicts is refused at its field."""
    page = console.open("/w/default/faults")
    page.get_by_text("any other", exact=True).click()
    form = page.get_by_role("form", name="Add any fault")
    form.get_by_label("operation").select_option("show")
    form.get_by_label("drop").check()
    fill(page, "Add any fault", "Add", nth="2, 3", delay="0.5", record="7", lifetime="x")
    expect(form.locator("[name=lifetime]")).to_have_accessible_description(re.compile("a number"))
    fill(page, "Add any fault", "Add", lifetime="60")
    active = page.get_by_role("region", name="Active faults")
    expect(active).to_contain_text("delay 0.5, drop for show · #7 · only number 2, 3")
    body = '{"status": 418, "body": [1]}'
    fill(page, "Add any fault", "Add", respond=body, times="1", name="teapot")
    expect(active).to_contain_text('respond {"status":418,"body":"')
    assert mock.client().get("webhook_requests/list").json() == [1]


def test_clock_and_scripts(console: Console, mock: Mock) -> None:
    """Bad input is shown at its field in the mock's words; the clock moves; deliveries fail."""
    page = console.open("/w/default/faults")
    page.get_by_text("outage", exact=True).click()
    fill(page, "Add outage", "Add", seconds="soon")
    field = page.get_by_role("form", name="Add outage").locator("[name=seconds]")
    expect(field).to_be_focused()
    expect(field).to_have_value("soon")
    expect(field).to_have_accessible_description('seconds: seen "soon"; allowed is a number')
    assert not mock.emulated.faults.all()
    fill(page, "Freeze the clock", "Freeze", at="2024-05-01T10:00:00Z")
    clock = page.get_by_role("region", name="Clock")
    expect(clock).to_contain_text("2024-05-01 10:00:00 UTC, frozen")
    clock.get_by_role("button", name="+ 1 h").click()
    expect(clock).to_contain_text("2024-05-01 11:00:00 UTC, frozen")
    fill(page, "Advance the clock", "Advance", seconds="90")
    expect(clock).to_contain_text("2024-05-01 11:01:30 UTC, frozen")
    clock.get_by_role("button", name="Follow the machine's clock").click()
    expect(clock).to_contain_text("follows this machine's clock")
    assert mock.clock.state.mode == "real"
    number = mock.records.filter(life_cycle_state="REJECTED")[0]["number"]
    fill(page, "Set a delivery script", "Set", script="timeout, success", record=number)
    scripts = page.get_by_role("region", name="Delivery scripts")
    expect(scripts).to_contain_text(f"timeout, success for #{number} · 0 deliveries so far")
    scripts.get_by_role("button", name=f"End the script for #{number}").click()
    expect(scripts).not_to_contain_text("timeout, success for")
