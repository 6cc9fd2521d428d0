"""The panel of the contract: what the documents state, and how the mock is set."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.console import Console
from playwright.sync_api import Browser, expect

from crmcom_kit.mock_server.python_api import Mock, crmcom_mock
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.dialect_file import write_dialect
from crmcom_kit.schemas.profile import DIALECT, HEAD, WORLD, Profile, head_of
from crmcom_kit.schemas.releases import resolve


@pytest.fixture
def mock() -> Iterator[Mock]:
    """A mock of another dialect than the default one."""
    with crmcom_mock(dialect="http") as found:
        yield found.start()


def test_statements_and_dials_are_found(console: Console) -> None:
    """By words, evidence and whether they are changed; each has an address."""
    page = console.open("/w/default/contract")
    settings = page.get_by_text("crmcom-kit 0")
    expect(settings).to_contain_text("R9.0.0 · dialect http")
    expect(settings).to_contain_text("no paging in this release")
    page.keyboard.press("/")
    page.keyboard.type("only rejected resend")
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="resend.only_rejected")).to_be_visible()
    page.get_by_role("searchbox").fill("errors bad_date")
    page.get_by_label("Kind").select_option("changed")
    expect(rows.filter(has_text="errors.bad_date.status")).to_contain_text("≠ 400")
    expect(page.get_by_role("main")).to_contain_text(re.compile(r"\b2 of \d+"))
    page.get_by_label("Evidence").select_option("documented")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.goto(f"{console.url}/#/w/default/contract/resend.only_rejected")
    details = page.get_by_role("complementary", name="Details")
    expect(details).to_contain_text("Only a REJECTED webhook request can be sent again.")
    expect(details).to_contain_text("documented: a page of the documents says so")
    expect(page.locator("tr[aria-selected=true]")).to_be_in_viewport()
    page.goto(f"{console.url}/#/w/default/contract/errors.nothing")
    expect(page.get_by_role("heading", name="There is no errors.nothing")).to_be_visible()


def test_what_a_profile_leaves_open_is_shown(browser: Browser, tmp_path: Path) -> None:
    """How many dials, which, and with which values."""
    dialect = Dialect("profile", {})
    (tmp_path / DIALECT).write_text(write_dialect(dialect))
    (tmp_path / WORLD).write_text("{}\n")
    open_dials = {"paging.zero": ["none", "all"]}
    (tmp_path / HEAD).write_text(head_of(Profile(resolve("R13"), dialect, (), open_dials)))
    with crmcom_mock(profile=tmp_path) as mock:
        console = Console(browser, mock.start().origin)
        page = console.open("/w/default/contract")
        expect(page.get_by_role("main")).to_contain_text("a profile that leaves 1 dial open")
        page.get_by_label("Kind").select_option("unsettled")
        row = page.get_by_role("row", name="paging.zero")
        expect(row).to_contain_text('? "none" or "all"')
        row.click()
        expect(page.get_by_role("complementary")).to_contain_text('leaves open "none", "all"')
        console.close()
    assert console.errors == []
