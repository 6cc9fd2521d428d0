"""Redaction: no report shows a secret, however a server or the kit spells it."""

import datetime as dt
import io
import json
import tomllib
from typing import Any

import pytest
from rich.console import Console

from crmcom_kit.contract_tests.client.calls import query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.made_up import NO_KEY, NO_PASSWORD, NO_TOKEN, ODD_TOKENS
from crmcom_kit.contract_tests.config import prepared
from crmcom_kit.contract_tests.deviations import write_deviations
from crmcom_kit.contract_tests.findings import Findings, Violation, shortened
from crmcom_kit.contract_tests.options import OPTIONS, OptionsError, check_values, command_line
from crmcom_kit.contract_tests.reports import (
    har,
    html,
    job_summary,
    junit,
    terminal,
)
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.reports.script import Scripts
from crmcom_kit.contract_tests.results import Results, statement_results
from crmcom_kit.contract_tests.targets import Login, Target
from crmcom_kit.schemas import resolve

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiI5M0M2RTBENSJ9.12On_mw2ABhc3sor2a8JJSqHg1gSXoFrER8FB9Sgtt0"
URL = "https://crm.example.com/crmapi/rest/v2"


def target(**login: Any) -> Target:
    """Make a target with a login."""
    return Target(name=URL, base_url=URL, release=resolve("R15"), login=Login(**login))


def logged_in(content: bytes, **changes: Any) -> Exchange:
    """Make a login that was answered ``content``."""
    call = Call("token", "POST", "authentication/token", "", b'{"password": "abc"}')
    return Exchange(**{
        "number": 1, "call": call, "status": 200, "headers": (), "content": content,
        "seconds": 0.1, **changes,
    })  # fmt: skip


def reports(
    one: Exchange,
    seen: str = "7",
    trouble: str | None = None,
    *,
    on: Target | None = None,
    command: str = "",
) -> dict[str, str]:
    """Write every report of a run that made one call and found one violation."""
    findings = Findings()
    findings.broke(Violation("response.number", one, expected="a text", seen=seen))
    found = on or target(username="ann", password="abc", organisation="O")
    results = Results(
        target=found,
        command=command,
        seed=0,
        began="2026-11-24T20:00:00+00:00",
        seconds=1.0,
        statements=statement_results(findings, found.release, ()),
        history=(one,),
        trouble=trouble,
        inventory=seen,
    )
    out = io.StringIO()
    terminal.show(Report(results), Console(file=out, width=1000), every=True)
    return {
        "json": Report(results).as_json(),
        "junit": junit.written(Report(results)),
        "har": "".join(har.written(Report(results))),
        "html": html.written(Report(results)),
        "summary": job_summary.written(Report(results)),
        "terminal": out.getvalue(),
    }


def test_a_token_is_masked_wherever_a_login_gives_it() -> None:
    """Outside of data, deeper inside, with escapes, cut off, or in what is no JSON."""
    for answer in [
        b'{"status": {"code": "OK"}, "token": "GIVEN-0123"}',
        b'{"data": {"token": {"value": "GIVEN-0123"}}}',
        b'{"data": {"x": [{"access_token": "GIVEN-0123"}]}}',
        rb'{"data": {"token": "GIVEN\u002d0123"}, "x": "GIVEN\u002D0123"}',
        b'{"token": "GIVEN-0123',
        b"token=GIVEN-0123&x=y",
        rb'{"message": "{\"token\": \"GIVEN-0123\"}"}',
        b'{"token": "ab", "data": {}}',
    ]:
        for name, text in reports(logged_in(answer)).items():
            for secret in ("GIVEN", "0123", '"ab"', "abc"):
                assert secret not in text, f"{name}: {secret} of {answer!r}"


def test_a_token_may_be_of_any_type() -> None:
    """Reports are written whatever a login answers."""
    for token in ("{}", "[]", "[[{}]]", "7", "null", "true", '""'):
        assert reports(logged_in(f'{{"data": {{"token": {token}}}}}'.encode()))


def test_what_a_server_echoes_is_masked() -> None:
    """The reason of a failed run, Location, choices and what was compared show no secret."""
    echo = 'ERR.{"username": "ann", "password": "abc"}'
    headers = (("Location", "https://elsewhere/x?token=abc"), ("X-Y", "z?next=%3Ftoken%3Dabc"))

    for name, text in reports(logged_in(b"", headers=headers), echo, echo).items():
        assert "abc" not in text, name


def test_what_is_made_from_a_token_is_masked() -> None:
    """An almost right token would tell the right one: in a call, and where a server repeats it."""
    last = f"{JWT.rpartition('.')[0]}.B{JWT[-42:]}"
    for token in (JWT[:-1], JWT[::-1], f"{JWT}A", f"B{JWT[1:]}", last):
        given = {"token": token, "entity": "X"}
        call = Call("list", "GET", "webhook_requests/list", query(given), parameters=given)
        redactor = ReportRedactor(target(token=JWT), [Exchange(1, call, 200, (), b"", 0.1)])
        for text in (
            Scripts(target(token=JWT), (), redactor).of([call]),
            redactor.query(call.query),
            redactor.content(json.dumps({"token": token}).encode()),
            redactor.text(f"no such token: {token}"),
            redactor.text(repr({"token": token})),
        ):
            assert JWT[-12:-1] not in text
            assert JWT[-12:-1][::-1] not in text
        assert "entity=X" in redactor.query(call.query)


def test_tokens_can_be_told_apart() -> None:
    """Each that a login returned has a variable of its own, also in what was redacted before."""
    history = [logged_in(f'{{"data": {{"token": "{t}"}}}}'.encode()) for t in ("T-01234", JWT)]
    redactor = ReportRedactor(target(), history)
    shown = redactor.text(f"token=T-01234&token={JWT}&token=S-01234")
    assert shown == "token=$CRMCOM_TOKEN&token=$CRMCOM_TOKEN_2&token=***"
    assert ReportRedactor(target(), history).text(shown) == shown


def test_a_secret_is_masked_where_a_text_was_cut() -> None:
    """The beginning of a long token is a secret, too."""
    token = "".join(f"{at:03}-" for at in range(150))
    redactor = ReportRedactor(target(token=token))

    for text in (f"code {token}", repr({"token": token}), repr({"x": token})):
        assert "003-" not in redactor.text(shortened(text))


def test_what_the_kit_made_up_is_shown() -> None:
    """Who reads a report sees which wrong token was sent; what was sent stands as it stood."""
    redactor = ReportRedactor(target(token=JWT))
    for token in (NO_TOKEN, *ODD_TOKENS, ""):
        assert redactor.query(f"token={token}&x=%20y") == f"token={token}&x=%20y"
    body = json.dumps({"password": NO_PASSWORD})[:-1] + ',  "n": 1.0, "x": "\\u0041"}'

    assert redactor.content(body.encode()) == body
    assert redactor.text(f"api_key={NO_KEY}") == f"api_key={NO_KEY}"


def test_a_key_is_masked_in_each_form_of_a_header() -> None:
    """Without its colon, too, and as a password: what Basic encodes is not hidden by that."""
    redactor = ReportRedactor(target(api_key="KEY-01"))
    for text in ("S0VZLTAxOg==", "S0VZLTAx", "OktFWS0wMQ=="):
        assert redactor.text(f"said: {text}") == "said: $CRMCOM_API_KEY"


def test_a_long_answer_is_masked_in_one_pass() -> None:
    """Looking for an end anew at each beginning would take hours here."""
    redactor = ReportRedactor(target(token=JWT))
    for part in ('\\"', '"', "token", '"token":"', "token="):
        assert redactor.content(f'"x{part * 100_000}'.encode())


def test_the_name_of_this_project_is_no_secret() -> None:
    """The default password of a mock is documented; reports name the project that wrote them."""
    redactor = ReportRedactor(target(username="ann", password="crmcom-kit", organisation="O"))

    assert redactor.text("# A dialect of crmcom-kit") == "# A dialect of crmcom-kit"
    assert redactor.text("crmcom-kit check --seed 0") == "crmcom-kit check --seed 0"


def test_a_secret_in_the_base_url_is_masked() -> None:
    """Neither reports nor scripts, nor refusals and dry runs repeat what the URL carries."""
    url = "https://crm.example.com/token/S-0123456/crmapi/rest/v2"
    values = {option.key: () if option.repeats else option.default for option in OPTIONS}
    values |= {"base_url": url, "token": "T-0123"}
    found, _ = prepared(values, now=dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
    one = Exchange(
        number=1, call=Call("list", "GET", "webhook_requests/list", "token=T-0123"), status=200,
        headers=(), content=b"", seconds=0.1,
    )  # fmt: skip

    assert found.base_url == url
    for name, text in reports(one, on=found, command=command_line(values)).items():
        assert "0123" not in text, name
        assert "crm.example.com/token/" in text, name
    script = Scripts(found, (), ReportRedactor(found)).of([one.call])
    assert "URL=$CRMCOM_BASE_URL\n" in script
    with pytest.raises(OptionsError) as refused:
        check_values({**values, "base_url": "https://crm.example.com/x?token=S-0123456"})
    assert "0123" not in str(refused.value)


def test_a_server_cannot_forge_lines_of_the_terminal() -> None:
    """A newline in what a server says is shown as an escape."""
    said = "X\n\nmock, R9: 126 hold\u2028mock, R9: 126 hold"

    lines = reports(logged_in(b""), said, said)["terminal"].splitlines()

    assert not [line for line in lines if line.startswith("mock")]
    assert any("X\\n\\nmock" in line for line in lines)


def test_a_word_of_the_target_stays_whole() -> None:
    """A secret that is a part of a word, or a word that servers say anyway, is not told by it."""
    said = "COM.CRM.EXCEPTION.WRONGPASSWORDCREDENTIALS: wrong CREDENTIALS, state REJECTED, abcd12x"
    for password in ("WRONG", "wrong", "CREDENTIALS", "REJECTED", "EXCEPTION", "state", "abcd12"):
        redactor = ReportRedactor(target(username="ann", password=password, organisation="O"))
        body = json.dumps({"life_cycle_state": "REJECTED", "error_code": said})
        assert redactor.text(said) == said, password
        assert redactor.content(body.encode()) == body, password
        hidden = (
            f'{{"password": "{password}"}}', f"password={password}&x=1", f"password: {password}",
            f"the password {password} is wrong",
        )  # fmt: skip
        for text in hidden:
            assert redactor.text(text) == text.replace(password, "$CRMCOM_PASSWORD", 1), text


def test_a_secret_is_masked_where_it_stands_as_a_whole() -> None:
    """Between any marks, also those that a token may hold, in plain and encoded."""
    redactor = ReportRedactor(target(username="ann", password="abcd12", organisation="O"))
    for text in ("abcd12", "it was abcd12.", "ERR.abcd12", "ann:abcd12@host", "x_abcd12-y",
                 '{"x": "abcd12"}', "x=%61bcd12&y", r"it \u0061bcd12", "(abcd12)"):  # fmt: skip
        shown = redactor.text(text)
        assert "bcd12" not in shown, text
        assert len(shown) == len(text) + len("$CRMCOM_PASSWORD") - len("abcd12") or "61" in text


def test_a_draft_of_deviations_shows_no_secret() -> None:
    """In its place is an asterisk, by which the draft explains the same another time."""
    redactor = ReportRedactor(target(token=JWT, password="abc"))
    seen = f'{JWT} and {{"password": "abc"}}'

    draft = write_deviations([("response.number", "show", redactor.text(seen))])

    assert tomllib.loads(draft)["deviation"][0]["seen"] == '* and {"password": "*"}'
