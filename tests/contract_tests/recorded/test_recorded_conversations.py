"""Recorded conversations: what they show of a server, and what they leave open."""

import base64
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers.recordings import (
    DONE,
    HOST,
    IDENTIFIER,
    MOVED,
    NOW,
    ONE,
    OTHER_TOKEN,
    THREE,
    TOKEN,
    TWO,
    TWO_DONE,
    Entry,
    archive,
    broken,
    changed,
    checked,
    entry,
    held,
    key_login,
    listed,
    logged,
    login,
    ok,
    record,
    refused,
    show,
)
from helpers.sound_servers import alarms
from mutants import recordings

from crmcom_kit.schemas import API_PATH


def after(seconds: int, made: Entry) -> Entry:
    """Return an entry so many seconds after the beginning."""
    return made | {"startedDateTime": NOW.replace(minute=seconds // 60).isoformat()}


def by_number(response: Any) -> Entry:
    """Return a show of the first webhook request by its number."""
    return logged("show", {"token": TOKEN, IDENTIFIER: {"number": "1"}}, response)


def page(offset: int, *numbers: int) -> Entry:
    """Return two of all jobs, with some others at the offset."""
    paging = {"number_of_results": "2", "offset": str(offset)}
    return listed([record(number) for number in numbers], entity="JOBS", **paging)


def for_unit(unit: str, claim: str) -> Entry:
    """Return a login for a unit, whose token claims to be for one."""
    parts: list[Entry] = [{"typ": "JWT", "alg": "HS256"}, {"oun": claim, "jti": "5"}, {}]
    coded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
    return login(".".join(coded).replace("=", ""), unit=unit)


BY_RULE: dict[str, Any] = {"workflow_rule_identifier": {"id": ONE["workflow_rule"]["id"]}}
REJECTED = {"entity": "JOBS", "life_cycle_state": "REJECTED"}
SENT = {"entity": "JOBS", "life_cycle_state": "SUCCESSFUL"}
RULE = listed(refused(), **BY_RULE)
BOTH = listed(refused(), **BY_RULE, life_cycle_state="REJECTED")


class Broken(NamedTuple):
    """A statement, and a conversation in a release that breaks it."""

    statement: str
    entries: Sequence[Entry]
    release: str = "R9"
    only: str = "*"


BROKEN = {
    "one that fits is missing": Broken(
        "list.entity.filter", [listed([ONE, TWO]), listed([ONE]), show(TWO, 2)]),
    "show changes one for a moment": Broken(
        "show.changes_nothing", [show(ONE), show(MOVED), show(ONE)]),
    "show and list disagree": Broken(
        "list.agrees_with_show", [show(ONE), listed([MOVED]), show(ONE), listed([MOVED])]),
    "the list is stale after a resend": Broken(
        "list.agrees_with_show",
        [show(ONE), changed("resend", DONE), show(DONE), listed([ONE]), show(DONE)]),
    "one is shown twice, and refused for good in between": Broken(
        "identifier.selects", [show(ONE), show(refused()), listed([ONE])]),
    "a field is left out": Broken(
        "fields_set.default_all",
        [show(ONE), show({k: v for k, v in ONE.items() if k != "url"}), listed([ONE])]),
    "a list is refused for one of its parameters": Broken(
        "list.workflow_rule_identifier.filter",
        [listed([ONE]), RULE, BOTH, listed([ONE], **REJECTED), listed([ONE])]),
    "and is never asked for with that one alone": Broken(
        "list.workflow_rule_identifier.filter",
        [listed([ONE]), BOTH, listed([ONE], **REJECTED)]),
    "a list is refused for two of its parameters together": Broken(
        "list.semi_optional.several_allowed",
        [listed([ONE]), listed([ONE], **BY_RULE), listed([ONE]),
         listed(refused(), entity="JOBS", **BY_RULE), listed([ONE])]),
    "one is refused by number, and shown by id": Broken(
        "identifier.fields", [show(ONE), by_number(refused()), show(ONE)]),
    "a list fails each time, and others do not": Broken(
        "errors.no_server_error", [show(ONE), listed(refused(500))] * 2),
    "a resend loses the rule": Broken(
        "resend.identity_kept",
        [show(ONE), changed("resend", DONE | {"workflow_rule": {"id": "other"}})]),
    "a resend had no effect": Broken(
        "resend.sends_again", [show(ONE), changed("resend", DONE), show(ONE)]),
    "one that was resent is missing among those that were sent": Broken(
        "list.life_cycle_state.filter",
        [show(ONE), changed("resend", DONE), *[show(DONE), listed([TWO_DONE], **SENT)] * 2]),
    "a released token is valid": Broken(
        "token_release.ends_token",
        [login(), logged("token_release", {"token": TOKEN}, ok({})), listed([ONE])], "R10"),
    "a valid token is not released": Broken(
        "token_release.available",
        [login(), listed([ONE]), logged("token_release", {"token": TOKEN}, refused()), show(ONE)],
        "R10"),
    "a page begins one too early, twice": Broken(
        "list.paging.offset",
        [page(0, 1, 2), page(2, 2, 3), listed([ONE, TWO, THREE])] * 2, "R13"),
    "a page begins one too early, three times": Broken(
        "list.paging.offset", [page(0, 1, 2), page(2, 2, 3)] * 3, "R13"),
    "a page is too short, twice": Broken(
        "list.paging.number_of_results", [listed([ONE, TWO, THREE]), page(0, 1)] * 2, "R13"),
    "a login acts for another unit, twice": Broken(
        "login.unit",
        [show(ONE), *[for_unit("5", ONE["log_information"]["created_by_unit"]["name"])] * 2],
        "R12", only="login.unit"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_conversation_breaks_one_statement(tmp_path: Path, name: str) -> None:
    """Later exchanges confirm what is suspected."""
    statement, entries, release, only = BROKEN[name]
    results = checked(tmp_path, archive(entries), release=release, only=only)
    assert broken(results) == {statement}
    assert results.exit_code == 1


ALL_JOBS = f"{HOST}{API_PATH}/webhook_requests/list?entity=JOBS"
UNANSWERED: Entry = {"response": {"status": 0, "content": {}}}
OPEN: dict[str, Sequence[Entry]] = {
    "others change one for good": [show(ONE), show(ONE), show(DONE), show(DONE)],
    "others delete one": [show(ONE), show(refused(404)), show(refused(404)), listed([])],
    "others add one after a resend": [
        listed([ONE]), changed("resend", DONE), listed([DONE, TWO]),
        changed("resend", TWO_DONE, 2), listed([DONE, TWO_DONE, record(3)])],
    "one is refused for a moment": [show(ONE), show(refused()), show(ONE)],
    "a list by two parameters is refused, and by one of them when a token had ended": [
        login(), login(OTHER_TOKEN), listed([ONE], token=OTHER_TOKEN), RULE,
        listed(refused(), **BY_RULE, life_cycle_state="SUCCESSFUL", token=OTHER_TOKEN),
        listed([ONE], token=OTHER_TOKEN)],
    "a limit is exceeded now and then": [
        listed([ONE]), listed(refused()), listed([ONE]), show(ONE), show(refused()),
        listed([ONE], **REJECTED)],
    "a delivery turns out to have failed": [
        show(ONE), changed("resend", DONE), show(DONE), show(ONE), show(ONE)],
    "a list fails once": [listed([ONE]), listed(refused(500)), listed([ONE])],
    "a token is an array": [
        logged("resend", {"token": [TOKEN], IDENTIFIER: {"id": ONE["id"]}}, response)
        for response in (ok(DONE), refused())],
    "a token has ended": [
        login(), show(ONE), show(refused()), login(OTHER_TOKEN), listed([ONE], token=OTHER_TOKEN)],
    "others try a delivery twice, much later": [
        after(0, show(ONE)), after(60, show(record(1, error_description="Another one."))),
        after(120, show(ONE))],
    "one is shown while it is deleted": [show(ONE), changed("delete", ONE, time=3000), show(ONE)],
    "a resend without a response may have been done": [
        show(ONE), changed("resend", ONE, **UNANSWERED), show(ONE),
        changed("resend", refused()), listed([], **REJECTED)],
    "all tokens were taken out of it": [login(), entry("GET", ALL_JOBS, *ok([ONE]))],
    "a second delete returns what is gone": [
        show(record(2, number="1"), 2), changed("delete", ONE), show(record(2, number="1"), 2)],
}  # fmt: skip
#: Only R13 has pages.
OPEN_PAGES: dict[str, Sequence[Entry]] = {
    "two servers in turn have pages in other orders": [page(0, 1, 2), page(2, 2, 3)] * 2,
    "a page begins one too early, once": [page(0, 1, 2), page(2, 2, 3), page(0, 1, 2)],
    "others delete one between two pages": [
        page(0, 1, 2), page(2, 2, 3), changed("delete", record(4), 4),
        page(0, 1, 2), page(2, 2, 3)],
    "a page comes in another way later": [
        page(0, 1, 2), page(2, 2, 3), page(2, 3, 4), page(0, 1, 2), page(2, 2, 3)],
}  # fmt: skip


@pytest.mark.parametrize("name", [*OPEN, *OPEN_PAGES])
def test_an_unconfirmed_suspicion_breaks_no_statement(tmp_path: Path, name: str) -> None:
    """Others may have done it, it was for a moment only, or two requests have no order."""
    entries, release = (OPEN[name], "R9") if name in OPEN else (OPEN_PAGES[name], "R13")
    assert not broken(checked(tmp_path, archive(entries), release=release))


@pytest.mark.parametrize("name", ["others delete one", "others change one for good"])
def test_a_suspicion_that_nothing_confirms_is_no_pass(tmp_path: Path, name: str) -> None:
    """It is counted and reported, and no violation."""
    results = checked(tmp_path, archive(OPEN[name]))
    assert (results.unconfirmed, results.exit_code) == (1, 0)
    assert results.outcome == "unconfirmed"
    *_, warning, advice = results.warnings
    assert re.match(r"not confirmed: .*, exchange [23], show: expected .*; seen .*", warning)
    assert advice.startswith("to confirm a suspicion, ")
    assert checked(tmp_path, archive(OPEN[name]), only="list.entity.*").unconfirmed == 0


@pytest.mark.parametrize("name", ["a token has ended", "one is shown while it is deleted"])
def test_what_explains_a_suspicion(tmp_path: Path, name: str) -> None:
    """A token that has ended since, and a request without an order."""
    assert checked(tmp_path, archive(OPEN[name])).outcome == "passed"


@pytest.mark.parametrize("seed", range(3))
def test_sound_clients_of_legal_servers_give_no_alarm(tmp_path: Path, seed: int) -> None:
    """Choices at random, two clients, others at work, lost responses, tokens redacted or not."""
    results = recordings.session(seed, tmp_path)

    assert [*recordings.mistakes(results), *alarms(results)] == []


def test_a_method_that_showed_a_new_record_was_served(tmp_path: Path) -> None:
    """Only one that never showed anything was never served."""
    served = checked(tmp_path, archive([show(ONE), show(TWO, 2), show(refused())]))
    assert served.never_served == ()
    never = checked(tmp_path, archive([listed([ONE]), show(refused()), show(refused())]))
    assert never.never_served == (
        "show was sent 2 times and never served (last: HTTP 400, code E.1)",
    )


def test_logins_are_checked_as_in_a_run(tmp_path: Path) -> None:
    """What they show alone, of units and of how a key is written."""
    key = base64.b64encode(b"KEY-31415926:").decode()
    entries = [login(unit="5"), key_login(key), show(ONE)]
    entries += [logged("token_release", {"token": TOKEN}, ok({}))]
    assert held(checked(tmp_path, archive(entries), release="R10")) >= {
        *("login.unit", "login.web_api_key.basic", "login.web_api_key.colon"),
        *("token_release.available", "web_api_key_token.available"),
    }
