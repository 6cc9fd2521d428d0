"""Redaction: no report shows a secret, however a server or the kit spells it."""

import datetime as dt
import json
import tomllib
from typing import Any

import pytest
from helpers.reports import all_reports, exchange, results, target

from crmcom_kit.contract_tests.client.calls import query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.made_up import NO_KEY, NO_PASSWORD, NO_TOKEN, WRONG_TOKEN
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.options.options import (
    DEFAULTS,
    OptionsError,
    check_values,
    command_line,
)
from crmcom_kit.contract_tests.oracle.findings import Findings, Violation
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor, secret_texts
from crmcom_kit.contract_tests.reports.script import Scripts
from crmcom_kit.contract_tests.run.config import prepared
from crmcom_kit.contract_tests.templates.near_misses import SECRET_MUTATIONS, near_misses

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiI5M0M2RTBENSJ9.12On_mw2ABhc3sor2a8JJSqHg1gSXoFrER8FB9Sgtt0"
TOKEN, PASSWORD, KEY = "s3cret token=+/", "pass 'word\" é", "KEY-0123456789"
LOGIN = Call("token", "POST", "authentication/token", "", b'{"password": "abc"}')


def reports(
    sent: Exchange, seen: str = "7", on: Target | None = None, command: str = ""
) -> dict[str, str]:
    """Write every report of a failed run that made one call and found one violation."""
    findings = Findings()
    violation = Violation("response.number", (sent,), expected="a text", seen=seen, record_id=seen)
    findings.note_violation(violation)
    on = on or target(username="ann", password="abc", organisation="O")
    texts: dict[str, Any] = {"trouble": seen, "inventory": seen, "changed": (seen,)}
    return all_reports(results(findings, target=on, command=command, history=(sent,), **texts))


def test_the_secrets_of_a_login_are_redacted() -> None:
    """In a query, a body, a response and a header, and in what a violation says."""
    body = json.dumps({"token": TOKEN, "password": PASSWORD}).encode()
    query_string = "token=s3cret%20token%3D%2B%2F&webhook_request_identifier=number=7"
    headers = (("Authorization", "Basic S0VZLTAxMjM0NTY3ODk6"), ("X-Key", KEY))
    asked = Call("show", "GET", "webhook_requests/show", query_string, body, headers)
    content = json.dumps({"status": {"code": "OK"}, "data": {"token": TOKEN}}).encode()
    sent = exchange(asked, content, headers=(("Set-Cookie", "sid=1"),))

    for name, text in reports(
        sent, TOKEN, target(token=TOKEN, password=PASSWORD, api_key=KEY)
    ).items():
        for secret in (TOKEN, PASSWORD, KEY, "s3cret", "pass 'word", "S0VZLTAx", "sid=1"):
            assert secret not in text, f"{name}: {secret}"
        assert "$CRMCOM_TOKEN" in text


def test_a_token_is_redacted_wherever_a_login_gives_it() -> None:
    """Outside of data, deeper inside, with escapes, cut off, or in what is no JSON; of any type."""
    for content in (
        b'{"status": {"code": "OK"}, "token": "GIVEN-0123"}',
        b'{"data": {"token": {"value": "GIVEN-0123"}}}',
        b'{"data": {"x": [{"access_token": "GIVEN-0123"}]}}',
        rb'{"data": {"token": "GIVEN\u002d0123"}, "x": "GIVEN\u002D0123"}',
        b'{"token": "GIVEN-0123',
        b"token=GIVEN-0123&x=y",
        rb'{"message": "{\"token\": \"GIVEN-0123\"}"}',
        b'{"token": "ab", "data": {}}',
        *(b'{"data": {"token": %b}}' % value for value in (b"[[{}]]", b"7", b"null", b'""')),
    ):
        for name, text in reports(exchange(LOGIN, content)).items():
            for secret in ("GIVEN", "0123", '"ab"', "abc"):
                assert secret not in text, (content, name, secret)


def test_what_a_server_echoes_is_redacted() -> None:
    """The reason of a failed run, Location, choices and what was compared show no secret."""
    echo = 'ERR.{"username": "ann", "password": "abc"}'
    headers = (
        ("Location", "https://elsewhere/x?token=abc"), ("X-Y", "z?next=%3Ftoken%3Dabc"),
        ("Ocp-Apim-Subscription-Key", "is abc"),
    )  # fmt: skip

    for name, text in reports(exchange(LOGIN, headers=headers), echo).items():
        assert "abc" not in text, name


def test_a_server_cannot_forge_lines_of_the_terminal() -> None:
    """A newline in what a server says is shown as an escape."""
    text = "X\n\nmock, R9: 126 hold\u2028mock, R9: 126 hold"

    lines = reports(exchange(LOGIN), text)["terminal"].splitlines()

    assert not [line for line in lines if line.startswith("mock")]
    assert any("X\\n\\nmock" in line for line in lines)


def test_what_is_made_from_a_token_is_redacted() -> None:
    """An almost right token would reveal the right one, also where a server repeats it."""
    head = JWT.rpartition(".")[0]
    for token in (JWT[:-1], JWT[::-1], f"{JWT}A", f"B{JWT[1:]}", f"{head}.B{JWT[-42:]}"):
        sent = {"token": token, "entity": "X"}
        call = Call("list", "GET", "webhook_requests/list", query(sent), parameters=sent)
        redactor = ReportRedactor(target(token=JWT), [exchange(call)])
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


def test_near_misses_of_a_password_are_redacted() -> None:
    """Whatever is made of it, no report shows what is inside of it."""
    password = "Correct Horse 9"
    for text in near_misses(password, SECRET_MUTATIONS):
        call = Call("token", "POST", "authentication/token", parameters={"password": text})
        redactor = ReportRedactor(target(password=password), [exchange(call)])
        assert "rrect horse" not in redactor.text(f"it was {text}, and wrong").lower()


def test_each_token_has_its_own_variable() -> None:
    """Each that a login returned has a variable of its own, also in what was redacted before."""
    history = [
        exchange(LOGIN, f'{{"data": {{"token": "{t}"}}}}'.encode()) for t in ("T-01234", JWT)
    ]
    redactor = ReportRedactor(target(), history)
    shown = redactor.text(f"token=T-01234&token={JWT}&token=S-01234")
    assert shown == "token=$CRMCOM_TOKEN&token=$CRMCOM_TOKEN_2&token=***"
    assert ReportRedactor(target(), history).text(shown) == shown


def test_a_secret_is_redacted_where_a_text_was_cut() -> None:
    """The beginning of a long token is a secret, too."""
    token = "".join(f"{at:03}-" for at in range(150))
    redactor = ReportRedactor(target(token=token))

    for text in (f"code {token}", repr({"token": token}), repr({"x": token})):
        assert "003-" not in redactor.text(shortened(text))


def test_a_secret_at_the_end_of_what_is_cut_is_hidden() -> None:
    """It is looked for before the body is cut, whatever was redacted in front of it."""
    redactor = ReportRedactor(target(api_key=KEY))
    for secret in (KEY, "".join(f"\\u{ord(sign):04x}" for sign in KEY)):
        for at in range(500 - len(secret) - 2, 502):
            text = "y" * (at - 1) + f" {secret}"
            for end in (0, 1, 5_000):
                shown = redactor.content(f"{text}{' ' * end}".encode(), 500)
                assert secret[:8] not in shown
                assert len(shown) <= 500 or at + len(secret) + end <= 500
        assert secret[:8] not in redactor.content(f"{secret} ".encode() * 10_000, 500)


def test_what_the_kit_made_up_is_shown() -> None:
    """A report shows a wrong token that the kit made up, unchanged."""
    redactor = ReportRedactor(target(token=JWT))
    for token in (NO_TOKEN, WRONG_TOKEN, ""):
        assert redactor.query(f"token={token}&x=%20y") == f"token={token}&x=%20y"
    body = json.dumps({"password": NO_PASSWORD})[:-1] + ',  "n": 1.0, "x": "\\u0041"}'

    assert redactor.content(body.encode()) == body
    assert redactor.text(f"api_key={NO_KEY}") == f"api_key={NO_KEY}"


def test_a_key_is_redacted_in_each_form_of_a_header() -> None:
    """Without its colon, too, and as a password: what Basic encodes is not hidden by that."""
    redactor = ReportRedactor(target(api_key="KEY-01"))

    for text in ("S0VZLTAxOg==", "S0VZLTAx", "OktFWS0wMQ=="):
        assert redactor.text(f"said: {text}") == "said: $CRMCOM_API_KEY"


def test_a_long_response_is_redacted_in_one_pass() -> None:
    """A scan that restarts at each match would take hours here."""
    for part in ("token", '"token":"'):
        assert ReportRedactor(target(token=JWT)).content(f'"x{part * 50_000}'.encode())


def test_the_name_of_this_project_is_no_secret() -> None:
    """The default password of a mock is documented; reports name the project that wrote them."""
    for text in ("# A dialect of crmcom-kit", "crmcom-kit check --seed 0"):
        assert ReportRedactor(target(password="crmcom-kit")).text(text) == text


def test_a_secret_in_the_base_url_is_redacted() -> None:
    """Neither reports nor scripts, nor refusals and dry runs repeat what the URL carries."""
    url = "https://crm.example.com/token/T-0123/crmapi/rest/v2"
    values = {**DEFAULTS, "base_url": url, "token": "T-0123"}
    checked_target, _ = prepared(values, now=dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
    sent = exchange(Call("list", "GET", "webhook_requests/list", "token=T-0123"))

    assert checked_target.base_url == url
    for name, text in reports(sent, on=checked_target, command=command_line(values)).items():
        assert "0123" not in text, name
        assert name == "draft" or "crm.example.com/token/" in text, name
    script = Scripts(checked_target, (), ReportRedactor(checked_target)).of([sent.call])
    assert "URL=$CRMCOM_BASE_URL\n" in script
    with pytest.raises(OptionsError) as refused:
        check_values({**values, "base_url": "https://crm.example.com/x?token=S-0123456"})
    assert "0123" not in str(refused.value)


def test_a_word_that_equals_the_password_stays_whole() -> None:
    """A secret that is a part of a word, or a word of most servers, is not revealed by it."""
    whole = "COM.CRM.EXCEPTION.WRONGPASSWORDCREDENTIALS: wrong CREDENTIALS, state REJECTED, abcd12x"
    body = json.dumps({"life_cycle_state": "REJECTED", "error_code": whole})
    for password in ("WRONG", "wrong", "CREDENTIALS", "REJECTED", "EXCEPTION", "state", "abcd12"):
        redactor = ReportRedactor(target(password=password))

        assert redactor.text(whole) == whole
        assert redactor.content(body.encode()) == body
        for text in (
            f'{{"password": "{password}"}}', f"password={password}&x=1", f"password: {password}",
            f"the password {password} is wrong",
        ):  # fmt: skip
            assert redactor.text(text) == text.replace(password, "$CRMCOM_PASSWORD", 1)


def test_a_secret_is_redacted_where_it_stands_as_a_whole() -> None:
    """Between any marks, also those that a token may hold, in plain and encoded."""
    redactor = ReportRedactor(target(password="abcd12"))
    for text in (
        "abcd12", "it was abcd12.", "ERR.abcd12", "ann:abcd12@host", "x_abcd12-y",
        '{"x": "abcd12"}', "x=%61bcd12&y", r"it \u0061bcd12", "(abcd12)",
    ):  # fmt: skip
        shown = redactor.text(text)
        assert "bcd12" not in shown
        assert len(shown) == len(text) + len("$CRMCOM_PASSWORD") - len("abcd12") or "61" in text


def test_a_draft_of_deviations_shows_no_secret() -> None:
    """In its place is an asterisk, by which the draft explains the same another time."""
    seen = f'{JWT} and {{"password": "abc"}}'

    draft = reports(exchange(), seen, target(token=JWT, password="abc"))["draft"]

    assert tomllib.loads(draft)["deviation"][0]["seen"] == '* and {"password": "*"}'


def test_secret_texts_are_found_at_any_depth() -> None:
    """Texts behind a secret's name, in whatever stands there."""
    value = {"a": [{"token": {"x": ["1", {"y": "2"}], "z": 3}}, "no"], "password": "4"}
    assert sorted(secret_texts(value)) == ["1", "2", "4"]
