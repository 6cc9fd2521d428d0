"""Placeholders for secrets of URLs: one for each value, in any place and spelling."""

import json
import unicodedata
from typing import Any
from urllib.parse import quote, unquote

import pytest
from helpers.reports import all_reports, exchange, results, target
from helpers.sound_servers import checked
from sound_server.choices import Choices
from sound_server.server import SoundServer

from crmcom_kit.contract_tests.belief.interpretations import INTERPRETATIONS, Fits
from crmcom_kit.contract_tests.client.calls import build, query
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.urls import UrlSecrets
from crmcom_kit.contract_tests.options.scope import EVERYTHING
from crmcom_kit.contract_tests.oracle.findings import Findings, Violation
from crmcom_kit.contract_tests.safety.ledger import Ledger
from crmcom_kit.contract_tests.templates.lists import Filter, NearValue, nearly_right_value
from crmcom_kit.contract_tests.templates.near_misses import MUTATIONS
from crmcom_kit.schemas.methods import methods
from crmcom_kit.schemas.releases import resolve

URL = "https://hooks.example.com/v2?key=S-abc+1%2F&mode=zq9"
SHOWN = "https://hooks.example.com/v2?key=$CRMCOM_URL_1&mode=$CRMCOM_URL_2"


def escaped(text: str) -> str:
    """Escape a URL's punctuation, as some servers do in JSON."""
    return "".join(f"\\u{ord(sign):04x}" if sign in ":&=?#" else sign for sign in text)


SPELLINGS: list[tuple[str, str | None]] = [
    (URL, SHOWN),
    (f"cannot call {URL}: refused", f"cannot call {SHOWN}: refused"),
    (f"seen '{URL}'", f"seen '{SHOWN}'"),
    (f"({URL}).", f"({SHOWN})."),
    (f'{{"url": "{URL}", "number": "7"}}', f'{{"url": "{SHOWN}", "number": "7"}}'),
    (json.dumps({"x": json.dumps({"u": URL})}), json.dumps({"x": json.dumps({"u": SHOWN})})),
    (URL.replace("/v2", r"\/v2").replace("//", r"\/\/"), None),
    (escaped(URL), None),
    (f"url={quote(URL, safe='')}&x=1", None),
    (f"a={quote(quote(URL, safe=''), safe='')}&x=1", None),
    (f"a={quote(URL, safe=':/')}&x=1", None),
    ('"url": "www.h.com/in?key=S-abc+1%2F"', '"url": "www.h.com/in?key=$CRMCOM_URL_1"'),
    ("http://h/x?S-abc+1%2F#zq9", "http://h/x?$CRMCOM_URL_1#$CRMCOM_URL_2"),
    ("http://S-abc+1%2F@h/x", "http://$CRMCOM_URL_1@h/x"),
    ("a=http%3A%2F%2FS-abc%2B1%252F%40h%2Fx", "a=http%3A%2F%2F$CRMCOM_URL_1%40h%2Fx"),
]  # fmt: skip


def test_a_value_has_its_placeholder_in_any_spelling() -> None:
    for text, shown in SPELLINGS:
        urls = UrlSecrets()
        urls.hide(URL)

        hidden = urls.hide(text)

        assert shown is None or hidden == shown
        assert hidden.count("$CRMCOM_URL_1") == 1
        for secret in ("abc", "zq9", "CRMCOM_URL_3"):
            assert secret not in hidden
        assert hidden.endswith("&x=1") or "x=1" not in text
        assert urls.hide(hidden) == hidden
        assert urls.secret("CRMCOM_URL_1") == "S-abc+1%2F"


def test_what_has_no_query_and_no_user_is_shown_as_it_is() -> None:
    """A fragment alone is no query."""
    for text in (
        "https://h.example.com/a/b", "see https://h/x#top", "is it http://h/?", "what? a=b",
        "\\" * 9, "http://h:80/x@y", "url=JOBS&x=1", "%3A%2F%2Fh%2Fx", "10:// ?", "", "http://h/x?a=&b=",
    ):  # fmt: skip
        assert UrlSecrets().hide(text) == text


@pytest.mark.parametrize("part", ["://", "://a?", "url=", "\\", "%25", "\\:", ":\\", "//a@"])
def test_a_long_text_is_read_once(part: str) -> None:
    """Looking for an end anew at each beginning would run into pytest's timeout here."""
    urls = UrlSecrets()

    shown = urls.hide(part * 100_000)

    assert urls.hide(shown) == shown


def test_a_secret_has_one_placeholder_in_all_that_a_run_writes(tmp_path: Any) -> None:
    server = target(token="T-012345")
    record = {"id": "A", "number": "7", "url": URL, "error_description": f"cannot call {URL}"}
    Ledger(tmp_path / "l", server).note({"id": "B", "url": "http://h/?key=other-01"}, "delete")
    parameters = {"token": "T-012345", "entity": "JOBS", "url": URL}
    call = Call("list", "GET", "webhook_requests/list", query(parameters), parameters=parameters)
    content = json.dumps({"status": {"code": "OK"}, "data": [record]}).encode()
    sent, findings = exchange(call, content), Findings()
    seen = f"a webhook request with url {URL!r}"
    findings.note_violation(Violation("list.url.filter", (sent,), expected="another", seen=seen))

    reports = all_reports(results(findings, target=server, history=(sent,)))

    assert "key=$CRMCOM_URL_1" in (tmp_path / "l").read_text("utf-8")
    for name, text in reports.items():
        for secret in ("S-abc", "zq9", "other-01"):
            assert secret not in text, f"{name}: {secret}"
        assert name == "draft" or "CRMCOM_URL_2" in text, name
        assert "CRMCOM_URL_1" not in text, name
    statements = json.loads(reports["json"])["statements"]
    statement = next(row for row in statements if row["id"] == "list.url.filter")
    assert '"${CRMCOM_URL_2:?must be set to' in statement["violations"][0]["script"]


def test_a_run_writes_no_secret_of_a_url_whatever_it_sends() -> None:
    """Nor does it send a fragment that redaction could not recognize."""
    server = SoundServer(Choices(), "R13", 3)
    for at, record in enumerate(server.records.values()):
        record.url = f"https://hush:9x{at % 4}@h.example.com/in?key=s3cr3t{at % 4}&b=t0ps3c"

    run_results = checked(server, scope=EVERYTHING, limits=Limits(max_requests=120))

    har = all_reports(run_results)["har"]
    plain = unicodedata.normalize("NFKC", unquote(unquote(har))).lower()
    assert "$crmcom_url_5" in plain
    for secret in ("hush", "s3cr3t", "t0ps3c"):
        assert secret not in plain


def test_no_near_miss_of_a_url_hides_a_secret_from_redaction() -> None:
    """Written in full-width letters, for one, it would be no URL any more."""
    record = {"entity": "JOBS", "url": "https://hush:9x@h.example.com/in?key=s3cr3t"}
    sent = [nearly_right_value(NearValue(Filter("url"), change), record) for change in MUTATIONS]

    for parameters in filter(None, sent):
        shown = unicodedata.normalize("NFKC", unquote(UrlSecrets().hide(query(parameters)))).lower()
        assert "s3cr3t" not in shown
        assert "hush" not in shown


def test_the_user_is_in_no_report() -> None:
    """Nor is the organisation, whether the words are common or not; kinds of entity stay."""
    login = {"username": "ann", "password": "Zx81-abc", "organisation": "ACME Trading"}
    call = build(methods(resolve("R9"))["token"], login)
    near = build(methods(resolve("R9"))["token"], {**login, "username": "annx"})
    shown = {"created_by_user": {"username": "ann"}, "entity": "JOBS", "x": "of ACME Trading"}
    content = json.dumps({"status": {"code": "OK"}, "data": {"log_information": shown}}).encode()
    findings, history = Findings(), (exchange(call), exchange(near, content))
    findings.note_violation(
        Violation("response.number", (history[1],), expected="a text", seen="7")
    )

    reports = all_reports(results(findings, target=target(**login), history=history))

    for name, text in reports.items():
        for word in ("ann", "annx", "ACME Trading"):
            assert f'{word}"' not in text.replace("\\", ""), f"{name}: {word}"
            assert f"{word}&#34;" not in text, f"{name}: {word}"
    assert "JOBS" in reports["har"]
    assert "$CRMCOM_OTHER_USERNAME" in reports["terminal"]


def test_a_placeholder_decides_only_equality_with_itself() -> None:
    """Whether one hidden value begins with another is unknown."""
    for seen, wanted, fits in (
        ("h?k=$CRMCOM_URL_1", "h?k=$CRMCOM_URL_1", {True}),
        ("h?k=$CRMCOM_URL_12", "h?k=$CRMCOM_URL_1", {False, None}),
        ("h?k=$CRMCOM_URL_1", "h", {False, True}),
        ("h?k=$CRMCOM_URL_1", "abc", {False, None}),
        ("h?k=1", "abc", {False}),
    ):
        compared = Fits({"url": wanted}, [{"id": "A", "url": seen}])
        outcomes: set[bool | None] = set()
        for interpretation in INTERPRETATIONS:
            (selected,) = compared.selected(interpretation)
            (misfit,) = compared.misfits(interpretation)
            outcomes.add(True if selected else False if misfit else None)
        assert outcomes == fits
