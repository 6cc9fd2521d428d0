"""The panel of requests: what arrives is shown, found, and explained."""

from helpers.console import Console
from playwright.sync_api import expect

from crmcom_kit.mock_server.python_api import Mock


def test_a_request_appears_as_it_is_made(console: Console, mock: Mock) -> None:
    """Without a reload, newest first, with what the mock made of it."""
    page = console.open()
    expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()
    asked = {"token": mock.token, "webhook_request_identifier": "number=9999"}
    mock.client().get("webhook_requests/show", params=asked)
    expect(page.get_by_role("row", name="show")).to_contain_text("unknown webhook request")
