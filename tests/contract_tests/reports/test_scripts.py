"""The scripts of violations: pasted, they send the same requests, and they hold no secret."""

import base64
import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from helpers.checking import check
from mutants.table import ROWS
from sound_server.server import ORGANISATION, USERNAME
from sound_server.server import PASSWORD as SOUND_SERVER_PASSWORD

from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.made_up import NO_PASSWORD, WRONG_TOKEN
from crmcom_kit.contract_tests.client.targets import Login, Target
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.script import Scripts
from crmcom_kit.schemas import API_PATH, resolve

JSON = (("Content-Type", "application/json"),)
#: A token as a server may make one: hexadecimal, Base64, a JSON Web Token.
OLD = (
    "0F5EC0DE0A1B2C3D4E5F60718293A4B5",
    "b2xk+dG9rZW4/aXM=",
    "eyJhbGciOiJI.eyJqdGkiOiI5.12On_mw2AB",
)
NEW = (
    "0B8C7D6E5F40312233445566778899AA",
    "bmV3+dG9rZW4/aXM=",
    "eyJhbGciOiJI.eyJqdGkiOiI3.77Kq_zz8CD",
)
USER = 'of \\ the "reader" é'
PASSWORD, KEY = 'it\'s "quoted" \\ $HOME `id` é', "KEY-0123+/= x"
SOUND_SERVER_LOGIN = ("--username", USERNAME, "--organisation", ORGANISATION)
ODD = 'it\'s "x" $HOME `id` \\ ! {a,b} [1-3] * ; & é #'


def pasted(script: str, **variables: str) -> str:
    """Return what a shell prints that gets a script as if it was typed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CRMCOM_")}
    done = subprocess.run(
        ["sh"], input=script.encode(), env={**clean, **variables}, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert not done.stderr, done.stderr.decode()
    return done.stdout.decode()


class Recorder:
    """Keeps what it is sent, and returns one token after another to those that log in."""

    def __init__(self, *tokens: str) -> None:
        self.tokens, self.seen = list(tokens), list[tuple[Any, ...]]()

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        """Answer a request."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = environ["PATH_INFO"].removeprefix(f"{API_PATH}/")
        header = environ.get("HTTP_AUTHORIZATION")
        self.seen.append((environ["REQUEST_METHOD"], path, environ["QUERY_STRING"], body, header))
        data = {"token": self.tokens.pop(0)} if "authentication" in path else None
        content = json.dumps({"status": {"code": "OK"}, "data": data}, indent=1).encode()
        start_response("200 OK", [("Content-Length", str(len(content)))])
        return [content]


def script_for(
    base: str, login: Login, calls: Sequence[Call], *history: Exchange, recorded: bool = False
) -> str:
    """Return the script of some requests of a run against a server."""
    target = Target(
        name="it", base_url=base, release=resolve("R15"), login=login, is_recorded=recorded
    )
    history += tuple(Exchange(9, each, 200, (), b"", 0.1) for each in calls)
    return Scripts(target, history, ReportRedactor(target, history)).of(calls)


def exchange(call: Call, token: str) -> Exchange:
    """Make a login that returned a token."""
    content = json.dumps({"status": {"code": "OK"}, "data": {"token": token}}).encode()
    return Exchange(1, call, 200, (), content, 0.1)


def log_in(password: str = PASSWORD) -> Call:
    """Make a login by name."""
    members = {"username": USER, "password": password}
    body = json.dumps(members, ensure_ascii=False).encode()
    return Call("token", "POST", "authentication/token", "", body, JSON, members)


def show(token: str, **more: str) -> Call:
    """Make a request with a token in its query."""
    parameters = {"token": token, **more}
    query = "&".join(f"{n}={quote(v, safe='')}" for n, v in parameters.items())
    return Call("show", "GET", "webhook_requests/show", query, parameters=parameters)


def resend(token: Any, **more: Any) -> Call:
    """Make a request with a token in its body."""
    members = {"token": token, **more}
    body = json.dumps(members, ensure_ascii=False).encode()
    return Call("resend", "POST", "webhook_requests/resend", "", body, JSON, members)


def plain(seen: tuple[Any, ...], *tokens: str) -> tuple[Any, ...]:
    """Return a request that was seen with names for tokens, however they are written."""
    verb, path, query, body, header = seen
    texts = [query, body.decode()]
    for at, token in enumerate(tokens):
        for each in (quote(token, safe=""), token):
            texts = [text.replace(each, f"<{at}>") for text in texts]
    return verb, path, *texts, header


@pytest.mark.parametrize(("old", "new"), [*zip(OLD, NEW, strict=True)])
def test_a_shell_sends_what_was_sent(old: str, new: str, serve: Callable[..., str]) -> None:
    """Whatever stands in a request arrives as it was, with a token of the script's own login."""
    recorder = Recorder(new, "second-0123456789")
    login, wrong = log_in(), log_in(NO_PASSWORD)
    history = (exchange(login, old), exchange(wrong, "other-0123456789"))
    calls = [
        show(old, entity=ODD), show("other-0123456789"), show(WRONG_TOKEN), show(""),
        resend(old, entity=ODD), resend([old]), resend(None), resend(old, n={"x": '"\\'}),
        Call("token", "POST", "authentication/other", "", b"a=1&" + show(old).query.encode()),
        Call("list", "HEAD", "webhook_requests/list", f"token={quote(old, safe='')}&a=[1-2]{{b}}"),
        Call("list", "PUT", "webhook_requests/list/", "", b"", (("X-Y", ODD.replace("é", "")),)),
    ]  # fmt: skip
    right = Login(username=USER, password=PASSWORD)
    script = script_for(serve(recorder), right, calls, *history)

    pasted(script, CRMCOM_USERNAME=USER, CRMCOM_PASSWORD=PASSWORD)

    sent = [
        (c.verb, c.path, c.query, c.body or b"", None) for c in [login, calls[0], wrong, *calls[1:]]
    ]
    assert [plain(each, new, "second-0123456789") for each in recorder.seen] == [
        plain(each, old, "other-0123456789") for each in sent
    ]
    for secret in (old, USER, "reader", PASSWORD, "quoted", "other-0123456789"):
        assert secret not in script.replace(ODD, "").replace(quote(ODD, safe=""), "")


def test_keys_and_given_tokens_come_from_variables(serve: Callable[..., str]) -> None:
    recorder = Recorder("t", "t", "t")
    texts = [f"{KEY}:", f":{KEY}", "crmcom-kit-no-key:"]
    calls = [
        Call("web_api_key_token", "GET", "authentication/web_api_key/token", headers=(
            ("Authorization", f"Basic {base64.b64encode(text.encode()).decode()}"),
        )) for text in texts
    ]  # fmt: skip
    login = Login(api_key=KEY, token=OLD[1])

    script = script_for(serve(recorder), login, [*calls, show(OLD[1])])
    pasted(script, CRMCOM_API_KEY=KEY, CRMCOM_TOKEN=OLD[1])

    headers = [each[4].removeprefix("Basic ") for each in recorder.seen[:-1]]
    assert [base64.b64decode(each).decode() for each in headers] == texts
    assert recorder.seen[-1][2] == show(OLD[1]).query
    assert KEY not in script
    assert OLD[1] not in script


def test_what_a_recording_hides_is_asked_for(serve: Callable[..., str]) -> None:
    recorder = Recorder(NEW[0])
    login, names = log_in("$CRMCOM_PASSWORD"), ("$CRMCOM_TOKEN", "$CRMCOM_OTHER_TOKEN_2")
    hidden = [replace(show(name), query=f"token={name}") for name in names]
    calls = [*hidden, show("S-01234")]  # whose token is of a login before the recording

    before = exchange(login, "$CRMCOM_TOKEN")
    script = script_for(serve(recorder), Login(), calls, before, recorded=True)
    variables = {"CRMCOM_PASSWORD": "known", "CRMCOM_OTHER_USERNAME": USER}
    pasted(script, **variables, CRMCOM_OTHER_TOKEN_2="wrong", CRMCOM_OTHER_TOKEN="S")

    assert "${CRMCOM_OTHER_TOKEN:?must be set to a token that no login" in script
    assert json.loads(recorder.seen[0][3])["password"] == "known"
    assert [seen[2] for seen in recorder.seen[1:]] == [f"token={NEW[0]}", "token=wrong", "token=S"]


def test_texts_of_a_recording_run_no_command_and_read_no_file(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    """No program is trusted: methods in it are no commands, and bodies name no files."""
    secret, made = tmp_path / "secret", tmp_path / "made"
    secret.write_text("of the reader")
    recorder = Recorder()
    calls = [
        Call("show", f"GET; touch {made};", "webhook_requests/show"),
        Call("resend", "POST", "webhook_requests/resend", "", f"@{secret}".encode()),
    ]

    script = script_for(serve(recorder), Login(), calls)
    subprocess.run(["sh"], input=script.encode(), capture_output=True, timeout=60, check=False)

    assert not made.exists()
    assert recorder.seen[-1][3] == f"@{secret}".encode()


def test_a_script_names_the_missing_variable(serve: Callable[..., str]) -> None:
    """Without its password it does not log in with an empty one, unless somebody types it."""
    login, calls = Login(username=USER, password=PASSWORD), [show(OLD[0])]
    script = script_for(serve(Recorder()), login, calls, exchange(log_in(), OLD[0]))
    done = subprocess.run(
        ["sh", "-c", script], env={"PATH": os.environ["PATH"]},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode != 0
    assert "CRMCOM_USERNAME" in done.stderr


def test_a_text_of_a_server_is_no_variable(serve: Callable[..., str]) -> None:
    """An id that looks like one arrives as it is: it would be the reader's password."""
    recorder, name = Recorder(), "$CRMCOM_PASSWORD"
    calls = [resend(OLD[0], n={"id": name}), replace(show(OLD[0]), query=f"entity={name}")]
    calls.append(replace(calls[1], query="", path=name))

    script = script_for(serve(recorder), Login(password=PASSWORD, token=OLD[0]), calls)
    pasted(script, CRMCOM_TOKEN=OLD[0])

    assert json.loads(recorder.seen[0][3])["n"] == {"id": name}
    assert [seen[2] for seen in recorder.seen[1:]] == [f"entity={name}", ""]
    assert recorder.seen[2][1] == name


def test_a_secret_of_a_url_is_sent_as_it_was(serve: Callable[..., str]) -> None:
    recorder, secret = Recorder(), 'a+"b%2F=/'
    parameters = {"token": OLD[0], "url": f"https://h.example.com/x?key={secret}"}
    calls = [show(**parameters), resend(**parameters)]

    script = script_for(serve(recorder), Login(token=OLD[0]), calls)
    pasted(script, CRMCOM_TOKEN=OLD[0], CRMCOM_URL_1='a+"b%2F=/', CRMCOM_URL_2="a+")

    assert secret not in script
    assert recorder.seen[0][2] == calls[0].query


def test_a_pasted_script_shows_the_violation(serve: Callable[..., str], tmp_path: Path) -> None:
    row = ROWS["list_numbers_are_integers"]
    files = {kind: tmp_path / f"r.{kind}" for kind in ("json", "html", "junit", "md")}
    options = [f"--{kind}={files[kind]}" for kind in ("json", "html", "junit")]

    done = check(
        tmp_path, "--base-url", serve(row.server()), *options, *SOUND_SERVER_LOGIN,
        "--only", *row.statements, "--allow", "none", "--max-requests", "500",
        GITHUB_STEP_SUMMARY=str(files["md"]), CRMCOM_PASSWORD=SOUND_SERVER_PASSWORD,
    )  # fmt: skip

    report = json.loads(files["json"].read_text("utf-8"))
    (script,) = (
        each["violations"][0]["script"] for each in report["statements"] if each["violations"]
    )
    assert done.returncode == 1, done.stdout
    assert "TOKEN=$(curl" in script
    login = {"CRMCOM_USERNAME": USERNAME, "CRMCOM_ORGANISATION": ORGANISATION}
    output = pasted(script, **login, CRMCOM_PASSWORD=SOUND_SERVER_PASSWORD)
    assert re.search(r'"number": \d', output)
    for text in [
        done.stdout,
        *(unescape(files[kind].read_text("utf-8")) for kind in ("html", "junit", "md")),
    ]:
        assert all(line in text for line in script.splitlines())
