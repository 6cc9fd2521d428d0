"""The panel of worlds: making and ending them, and their content."""

import json
from pathlib import Path

import httpx
from helpers.console import Console, confirm, copied, fill
from helpers.serving import origin_of
from playwright.sync_api import expect

from crmcom_kit.mock_server.python_api import Mock


def _worlds(mock: Mock) -> list[str]:
    body = httpx.get(f"{origin_of(mock)}/__admin/worlds").json()["worlds"]
    return [one["name"] for one in body]


def test_a_world_is_made_shown_and_ended(console: Console, mock: Mock) -> None:
    """Its name is its address; ending the one that is shown goes back to the default world."""
    page = console.open("/w/default/worlds")
    fill(page, "Create a world", "Create and open", world="no spaces")
    expect(page.get_by_text('world: seen "no spaces"; allowed is 1 to 64 letters')).to_be_visible()
    fill(page, "Create a world", "Create and open", world="mine")
    expect(page).to_have_url(f"{origin_of(mock)}/#/w/mine/worlds")
    expect(page.get_by_role("main")).to_contain_text(
        f"{origin_of(mock)}/worlds/mine/crmapi/rest/v2"
    )
    assert _worlds(mock) == ["default", "mine"]
    page.get_by_role("button", name="End mine").click()
    confirm(page, "End it")
    expect(page).to_have_url(f"{origin_of(mock)}/#/w/default/worlds")
    expect(page.get_by_role("button", name="End mine")).to_have_count(0)
    assert _worlds(mock) == ["default"]


def test_records_are_generated(console: Console, mock: Mock) -> None:
    """By number, share and entity, or as a scenario."""
    page = console.open("/w/default/worlds")
    form = page.get_by_role("form", name="Generate records")
    form.locator("[name=entities]").fill("JOBS, ACTIVITIES")
    fill(page, "Generate records", "Generate", count="10", rejected="1")
    confirm(page, "Replace them")
    expect(page.locator(".message")).to_contain_text("Generated 10 records.")
    form.locator("[name=scenario]").select_option("receiver_outage")
    fill(page, "Generate records", "Generate", count="5")
    confirm(page, "Replace them")
    expect(page.get_by_role("region", name="Content of default")).to_contain_text("5 records")
    assert len(mock.records) == 5


def test_what_is_exported_is_imported(console: Console, mock: Mock, tmp_path: Path) -> None:
    """A world goes into a file and comes back; what the mock refuses is shown."""
    page = console.open("/w/default/worlds")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == "default.jsonl"
    exported = tmp_path / "default.jsonl"
    download.value.save_as(exported)
    lines = exported.read_text().splitlines()
    assert sum("webhook_request" in json.loads(line) for line in lines) == 122
    mock.remove(next(iter(mock.records))["number"])
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{}{")
    form = page.get_by_role("form", name="Import")
    for file, message in ((broken, "body line 1"), (exported, "Imported 122 records.")):
        form.locator("[name=file]").set_input_files(file)
        form.get_by_role("button", name="Import").click()
        confirm(page, "Import it")
        expect(page.locator("body")).to_contain_text(message)
    assert copied(page).endswith(" --data-binary '@default.jsonl'")
    assert len(mock.records) == 122


def test_a_reset_asks_first(console: Console, mock: Mock) -> None:
    page = console.open("/w/default/worlds")
    mock.remove(next(iter(mock.records))["number"])
    content = page.get_by_role("region", name="Content of default")
    for button, count in (("Cancel", 121), ("Reset it", 122)):
        content.get_by_role("button", name="Reset").click()
        confirm(page, button)
        expect(content).to_contain_text(f"{count} records")
