"""The panel of the evidence: what the documents state, and how the mock is set."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.console import Console
from playwright.sync_api import expect

from crmcom_kit.mock_server.python_api import Mock, crmcom_mock
from crmcom_kit.schemas import load_dialect
from crmcom_kit.schemas.dialect import error_kinds
from crmcom_kit.schemas.dialect_file import write_dialect
from crmcom_kit.schemas.profile import DIALECT, HEAD, WORLD, Profile, head_of
from crmcom_kit.schemas.releases import resolve


@pytest.fixture
def mock(tmp_path: Path) -> Iterator[Mock]:
    """A mock of a profile: another dialect than the default one, and a dial that is open."""
    dialect = load_dialect("http")
    (tmp_path / DIALECT).write_text(write_dialect(dialect))
    (tmp_path / WORLD).write_text("{}\n")
    open_dials = {"paging.zero": ["none", "all"]}
    (tmp_path / HEAD).write_text(head_of(Profile(resolve("R13"), dialect, (), open_dials)))
    with crmcom_mock(profile=tmp_path) as mock:
        yield mock.start()


def test_statements_and_dials_are_found(console: Console) -> None:
    """By words, evidence and whether they are changed or open; each has an address."""
    page = console.open("/w/default/evidence")
    main, rows = page.get_by_role("main"), page.get_by_role("row")
    details = page.get_by_role("complementary", name="Details")
    expect(page.get_by_text("crmcom-kit 0")).to_contain_text("R13.0.0")
    expect(main).to_contain_text("a profile that leaves 1 dial open")
    for name, path in (("API reference", "/docs"), ("Control API", "/__admin/docs")):
        link = main.get_by_role("link", name=name)
        expect(link).to_have_attribute("href", f"{console.url}{path}")
    page.keyboard.press("/")
    page.keyboard.insert_text("only rejected resend")
    expect(rows.filter(has_text="resend.only_rejected")).to_be_visible()
    page.get_by_role("searchbox").fill("errors bad_date")
    page.get_by_label("Kind").select_option("changed")
    expect(rows.filter(has_text="errors.bad_date")).to_contain_text("≠ 400")
    expect(main).to_contain_text(re.compile(r"\b1 of \d+"))
    page.get_by_role("combobox", name="Evidence").select_option("documented")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.goto(f"{console.url}/#/w/default/evidence/resend.only_rejected")
    expect(details).to_contain_text("Only a REJECTED webhook request can be sent again.")
    expect(details).to_contain_text("documented: a page of the documents says so")
    expect(page.locator("tr[aria-selected=true]")).to_be_in_viewport()
    page.goto(f"{console.url}/#/w/default/evidence")
    page.get_by_label("Kind").select_option("unsettled")
    row = rows.filter(has_text="paging.zero")
    expect(row).to_contain_text('? "none" or "all"')
    row.click()
    expect(details).to_contain_text('leaves open "none", "all"')


def test_a_kind_of_error_is_one_row(console: Console) -> None:
    """It has message, code and status; a link to one of its dials leads to it."""
    page = console.open("/w/default/evidence?search=kind:error")
    main, rows = page.get_by_role("main"), page.locator("tbody tr")
    expect(rows).to_have_count(len(error_kinds()))
    row = rows.filter(has_text="errors.bad_date")
    expect(row).to_contain_text("The date is not valid.")
    row.click()
    details = page.get_by_role("complementary", name="Details")
    for part in ("status", "code", "message"):
        expect(details.get_by_role("heading", name=part, exact=True)).to_be_visible()
    page.goto(f"{console.url}/#/w/default/evidence/errors.bad_date.code")
    expect(details).to_contain_text("INVALIDDATEEXCEPTION")
    expect(main.locator("tr[aria-selected=true]")).to_contain_text("errors.bad_date")
