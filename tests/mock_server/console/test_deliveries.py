"""The panel of deliveries: what was sent and came back, why a code does not verify, sent again."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.console import Console, copied, details, fill
from helpers.receivers import OK, Listening, listening, responding
from playwright.sync_api import Page, expect

from crmcom_kit.mock_server.python_api import Mock

LIST = "/w/default/deliveries"
DATA = {"id": "J1", "status": "SCHEDULED"}


#: The mock really sends.
SENDING = pytest.mark.parametrize("mock", [{"deliver": "http"}], indirect=True, ids=["http"])


@pytest.fixture(name="receiver")
def _receiver() -> Iterator[Listening]:
    with listening(responding()) as receiver:
        yield receiver


def fire(mock: Mock, number: str = "JOB1", **given: Any) -> Any:
    """Trigger a webhook; return the attempt once it is over."""
    return mock.fire("JOBS", "JOB BOARD", {**DATA, "number": number}, **given).attempt


def row(page: Page, number: str) -> Any:
    return page.get_by_role("row", name=f"#{number}")


def tab(page: Page, name: str) -> None:
    details(page).get_by_role("tab", name=name).click()


@SENDING
def test_an_attempt_is_followed_until_its_end(console: Console, mock: Mock) -> None:
    """Its row is there while it is being sent, and becomes its outcome in place."""
    response = threading.Event()

    def slow(connection: Any) -> None:
        response.wait(60)
        connection.sendall(OK)

    with listening(slow) as receiver:
        page = console.open(LIST)
        expect(page.get_by_role("heading", name="No deliveries yet")).to_be_visible()
        sending = threading.Thread(target=fire, args=(mock,), kwargs={"url": receiver.url})
        sending.start()
        found = page.get_by_role("row").nth(1)
        expect(found).to_contain_text("… sending")
        response.set()
        expect(found).to_contain_text("✓ success 200")
        sending.join()
    number = mock.deliveries[0].record_number
    expect(row(page, number)).to_contain_text(receiver.url)
    row(page, number).get_by_role("link").click()
    expect(details(page)).to_contain_text("fire")
    tab(page, "Sent")
    expect(details(page)).to_contain_text(f"POST {receiver.url}")
    expect(details(page)).to_contain_text('"number": "JOB1"')
    tab(page, "Response")
    expect(details(page).get_by_label("Body of the response")).to_have_text("OK")


def test_filters_by_record_outcome_and_text(console: Console, mock: Mock) -> None:
    """The address has them; a mock that sends nothing says so, and how to send."""
    mock.deliveries.script("success, timeout, http_500")
    numbers = [fire(mock, f"JOB{at}").record_number for at in range(3)]
    page = console.open(LIST)
    expect(page.get_by_text("crmcom-kit serve --deliver http")).to_be_visible()
    page.get_by_label("Outcome").select_option("failed")
    expect(page.get_by_text("2 of 3")).to_be_visible()
    page.get_by_role("searchbox", name="Search").fill("outcome:failed job2")
    expect(page.get_by_text("1 of 3")).to_be_visible()
    expect(row(page, numbers[2])).to_contain_text("http 500")
    page.goto(f"{console.url}/#{LIST}?search=record%3A{numbers[1]}")
    expect(row(page, numbers[1])).to_contain_text("timeout")
    expect(page.get_by_text("1 of 3")).to_be_visible()


@SENDING
def test_a_webhook_is_triggered(console: Console, mock: Mock, receiver: Listening) -> None:
    """The form has an example for each definition; what the mock refuses is shown at its field."""
    page = console.open(f"{LIST}/trigger")
    form = page.get_by_role("form", name="Trigger a webhook")
    definition = next(one for one in mock.definitions if one["alternative_code"] == "JOB BOARD")
    form.locator("[name=definition]").select_option(definition["id"])
    expect(form.locator("[name=data]")).to_have_value(re.compile('"number": "JOB'))
    form.locator("[name=entity]").select_option("ACTIVITIES")
    fill(page, "Trigger a webhook", "Trigger", url=receiver.url)
    expect(form.locator("[name=entity]")).to_have_accessible_description(
        re.compile("is about JOBS")
    )
    form.locator("[name=entity]").select_option("JOBS")
    fill(page, "Trigger a webhook", "Trigger")
    expect(page.get_by_role("heading", name="Delivery 1 of")).to_be_visible()
    expect(details(page)).to_contain_text(re.compile(r"Signature\s*✓ valid"))
    page.goto(f"{console.url}/#{LIST}/trigger?data_of={mock.deliveries[0].record_number}")
    expect(form.locator("[name=data]")).to_have_value(re.compile('"number": "JOB'))
    form.locator("[name=fault]").select_option("cut_body")
    fill(page, "Trigger a webhook", "Trigger")
    expect(page.get_by_role("heading", name="Delivery 2 of")).to_be_visible()
    expect(details(page)).to_contain_text(re.compile(r"Wrong on purpose\s*↯ cut body"))
    whole, cut = receiver.bodies
    assert len(cut) < len(whole)


@SENDING
def test_an_attempt_is_replayed_and_its_signature_explained(
    console: Console, mock: Mock, receiver: Listening
) -> None:
    """The code that was sent, the right one, and what that signs."""
    attempt = fire(mock, url=receiver.url, fault="old_key")
    page = console.open(f"{LIST}/{attempt.number}")
    details(page).get_by_role("button", name="Replay").click()
    expect(page.get_by_role("heading", name="Delivery 2 of")).to_be_visible()
    details(page).get_by_role("link", name="delivery 1").click()
    assert receiver.url in copied(page)
    expect(details(page)).to_contain_text("↯ old key")
    tab(page, "Signature")
    expect(details(page)).to_contain_text("wrong code")
    expect(details(page)).to_contain_text(f"Code{attempt.message.authentication_code}Expected")
    key = mock.secret_keys[0]
    secret = details(page).get_by_text(key["key"])
    expect(secret).to_be_hidden()
    details(page).get_by_text("Show the key").click()
    expect(secret).to_be_visible()
    expect(details(page).get_by_label("What is signed")).to_have_text(attempt.message.data.decode())
