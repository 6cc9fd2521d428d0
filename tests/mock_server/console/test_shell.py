"""What surrounds the panels: connection, worlds, log-in, phones."""

from typing import Any

from helpers.calling import list_of
from helpers.console import Console
from helpers.serving import reserved_port
from playwright.sync_api import BrowserContext, Page, expect

from crmcom_kit.mock_server.python_api import Mock, crmcom_mock


def message(page: Page, text: str) -> None:
    expect(page.get_by_role("status").last).to_contain_text(text)


def test_a_restarted_mock_is_found_again(browser: BrowserContext) -> None:
    """The page says that the connection is lost, and then shows what the new server knows."""
    with reserved_port() as port, Console(browser, f"http://127.0.0.1:{port}") as console:
        console.failures_expected = True
        with crmcom_mock(tokens=("T",), port=port) as first:
            list_of(first, entity="JOBS")
            page = console.open()
            expect(page.get_by_role("row", name="list")).to_be_visible()
        expect(page.get_by_role("status").first).to_contain_text("no connection")
        page.get_by_role("button", name="Clear").click()
        page.get_by_role("button", name="Clear it").click()
        message(page, "the mock cannot be reached")
        with crmcom_mock(tokens=("T",), port=port) as second:
            second.start()
            message(page, "Connected again")
            expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()
            list_of(second)
            expect(page.get_by_role("row", name="list")).to_contain_text("no semi optional")


def test_tabs_show_different_worlds(console: Console, mock: Mock) -> None:
    """A world that does not exist is made, and the page says so; each tab shows its own."""
    first, second = console.open("/w/default/requests"), console.open("/w/other/requests")
    message(second, "There was no world “other”: the mock has made it")
    list_of(mock.world("other"), entity="JOBS")
    expect(second.get_by_role("row", name="list")).to_be_visible()
    expect(first.get_by_role("heading", name="No requests yet")).to_be_visible()
    first.get_by_label("World").focus()
    first.get_by_label("World").select_option("other")
    expect(first.get_by_role("row", name="list")).to_be_visible()
    assert "/w/other/requests" in first.url
    list_of(mock.world("other"))
    for page in (first, second):
        expect(page.get_by_role("row", name="list")).to_have_count(2)


def test_a_protected_mock_asks_for_its_token(browser: BrowserContext, start_server: Any) -> None:
    """Nothing is shown without it; what is copied has a variable in its place."""
    mock = start_server("--admin-token", "sesame-77", "--log", "off")
    with Console(browser, f"http://127.0.0.1:{mock.port}") as console:
        console.failures_expected = True  # until the token is entered
        page = console.open()
        expect(page.get_by_role("heading", name="This mock has an admin token")).to_be_visible()
        for token, result in (
            ("wrong", page.get_by_role("alert")),
            ("sesame-77", page.get_by_role("heading", name="No requests yet")),
        ):
            page.get_by_label("Admin token").fill(token)
            page.get_by_role("button", name="Open the console").click()
            expect(result).to_be_visible()
        expect(page.get_by_label("Command to try")).to_contain_text("${CRMCOM_ADMIN_TOKEN}")
        page.reload()
        expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()
        assert "sesame-77" not in page.content()


def test_a_phone_shows_one_thing_at_a_time(console: Console, mock: Mock) -> None:
    """List, details, and back to the row; the navigation is below, and nothing is too wide."""
    list_of(mock)
    page = console.open(width=390, height=844)
    wide = "document.documentElement.scrollWidth"
    page.get_by_role("row", name="list").click()
    details = page.get_by_role("complementary", name="Details")
    expect(details).to_be_focused()
    expect(page.get_by_role("main")).to_be_hidden()
    assert page.evaluate(wide) == 390
    for link in page.get_by_role("navigation").get_by_role("link").all():
        box = link.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] >= 44
    details.get_by_role("link", name="Close the details").click()
    expect(page.get_by_role("row", name="list").get_by_role("link")).to_be_focused()
    assert page.evaluate(wide) == 390
