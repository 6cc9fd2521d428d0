"""``crmcom-kit serve``: what its flags do, and the errors of invalid ones."""

import json
import re
import shlex
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from crmcom_kit.cli import main
from crmcom_kit.fixtures import webhook_request_entries
from crmcom_kit.mock_server.cli.serve import serve
from crmcom_kit.mock_server.http import server as serving
from crmcom_kit.schemas import API_PATH

SHOW = f"{API_PATH}/webhook_requests/show?webhook_request_identifier=number=7&token="
LOGIN = f"{API_PATH}/authentication/token"


def _of_a_later_release() -> str:
    """A webhook request about an entity that the default release does not know."""
    entries = webhook_request_entries(release="R15", entity="INVOICES")
    return "".join(f"{json.dumps(entry)}\n" for entry in entries)


#: Flags that cannot be followed, and how the line about them begins.
MISTAKES = [
    ("--port x", "Invalid value for '--port': 'x'"),
    ("--deliver smtp", 'deliver: seen "smtp"; allowed is http, or'),
    ("--deliver http --allow-host 10.0.0.0/8", 'allow_hosts: seen "10.0.0.0/8"; allowed is'),
    ("--allow-host x.example", 'allow_hosts: seen "x.example"; allowed is deliver=http'),
    ("R9", "Got unexpected extra argument (R9)"),
    ("--host nowhere.invalid", "host: 'nowhere.invalid' is not an address of this machine"),
    ("--release nine", "release: 'nine' is not a release; allowed is"),
    ("--release 'R9\nR10'", "release: 'R9\\nR10' is not a release"),
    ("--dialect nope", "dialect: nope is neither a built-in name (default, http) nor a"),
    ("--data nope.jsonl", "data nope.jsonl: cannot be read: No such file"),
    ("--state nowhere/world.state", "state nowhere/world.state: cannot be used: No such file"),
    ("--token ''", "--token: an empty string is not allowed"),
    ("--cors localhost", "--cors: 'localhost' is not allowed; allowed is"),
]
#: A flag, the content of its file, and what the line says besides its name.
FILES = [
    ("--dialect", "[list\n", "not a TOML file in UTF-8"),
    ("--state", "no state\n", "line 1 is not as it was written; allowed is"),
    ("--dialect", "errors.bad_date.status = 199\n", "allowed is an HTTP status from 200 to 599"),
    ("--data", '{"unit": {"id": "1", "name": "a"}}\n{oops\n', "line 2"),
    ("--data", _of_a_later_release(), "known from R15.0.0; start the mock with --release R15"),
]


@pytest.fixture(autouse=True)
def _never_serve_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the tests' own process a server that starts after all is a failure, and does not stay."""

    def started(*_: Any) -> None:
        pytest.fail("it serves")

    monkeypatch.setattr(serving, "run_until_signalled", started)


def one_line(*arguments: str) -> str:
    refused = CliRunner().invoke(main, ["serve", "--port", "0", *arguments])
    assert refused.exit_code == 2, refused.output
    assert refused.stdout == ""
    assert re.fullmatch(r"Error: [^\n]+\n", refused.stderr), refused.stderr
    return str(refused.stderr)


def test_a_mistake_in_the_flags_is_one_line() -> None:
    for flags, start in MISTAKES:
        assert one_line(*shlex.split(flags)).startswith(f"Error: {start}"), flags


def test_an_admin_token_that_no_header_carries_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the flag and from the environment; the line does not show it."""
    lines = [one_line("--admin-token", "HUSH HUSH")]
    monkeypatch.setenv("CRMCOM_ADMIN_TOKEN", "HUSH\n")
    lines.append(one_line())
    for line in lines:
        assert "--admin-token: a hidden value is not allowed; allowed is" in line
        assert "HUSH" not in line


def test_a_mistake_in_a_file_is_one_line(tmp_path: Path) -> None:
    for at, (flag, content, words) in enumerate(FILES):
        file = tmp_path / str(at)
        file.write_text(content, "utf-8")

        line = one_line(flag, str(file))

        assert words in line
        assert str(file) in line


def test_options_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """CRMCOM_SERVE_ and the name of an option give it."""
    for name in ("TOKEN", "ALLOW_HOST", "ALLOW_NAME", "CORS"):
        monkeypatch.setenv(f"CRMCOM_SERVE_{name}", "one two")
    monkeypatch.setenv("CRMCOM_SERVE_LOG", "off")

    options = serve.make_context("serve", ["--seed", "3"]).params

    assert (options["log_form"], options["seed"]) == ("off", 3)
    for name in ("tokens", "allow_hosts", "allow_names", "cors"):
        assert options[name] == ("one", "two")


def test_help_fits_on_a_screen_and_names_every_flag() -> None:
    """Common flags have what they are for and the default; of rare ones it has the names."""
    shown = CliRunner().invoke(main, ["serve", "-h"], terminal_width=100).output

    for option in serve.params:
        assert getattr(option, "help", None), f"{option.name} is not explained"
        assert re.search(rf"{option.opts[-1]}\b", shown)
    for default in ("127.0.0.1", "8080", "R9", "default", "a sample", "human"):
        assert f"[default: {default}" in shown
    assert len(shown.splitlines()) <= 40


def test_secrets_that_were_given_are_not_printed(start_server: Any) -> None:
    """Neither the greeting nor the log shows a password, key or token from the command line."""
    flags = (
        "--username ann --password hush-password --organisation ACME --token hush-token "
        "--token hush-two --api-key HUSHKEY --release R10"
    )
    server = start_server(*flags.split())
    login = {"username": "ann", "password": "hush-password", "organisation": "ACME"}
    token = server.ask("POST", LOGIN, login)[1]["data"]["token"]
    for fixed in (token, "hush-token", "hush-two"):
        assert server.ask("GET", SHOW + fixed)[1]["status"]["code"] == "OK"
    server.ask("POST", f"{LOGIN}?password=hush-password", login)

    status, out, err = server.end(signal.SIGTERM)

    assert status == 0
    for secret in ("hush", "HUSH", token):
        assert secret not in out + err
    assert {
        "  username      ann",
        "  password      (as given)",
        "  organisation  ACME",
        "  Web API key   (as given)",
        "  fixed tokens  2 (as given)",
    } <= set(out.splitlines())
    assert len(err.splitlines()) == 5


def test_flags_make_the_world(start_server: Any, tmp_path: Path) -> None:
    """Those of the flags are served; of all addresses, READY names one that can be called.

    READY is the first line, once it accepts; a signal ends it with status 0.
    """
    dialect, world = tmp_path / "mine.toml", tmp_path / "world.jsonl"
    dialect.write_text("errors.no_semi_optional.status = 418\n")
    world.write_text('{"unit": {"id": "1", "name": "Only unit"}}\n')
    flags = f"--release R14.1 --dialect {dialect} --data {world} --seed 5 --deliver timeout"
    server = start_server(*flags.split(), "--host", "0.0.0.0")  # noqa: S104 - what is tested

    assert server.first_line == f"READY http://127.0.0.1:{server.port}{API_PATH}\n"
    body = server.ask("GET", "/__admin/health")[1]
    assert (body["release"], body["dialect"]) == ("R14.1.0", str(dialect))
    assert (body["webhook_requests"], body["seed"]) == (0, 5)
    status, out, err = server.end(signal.SIGINT)
    assert status == 0
    assert "  username      mpadministrator" in out.splitlines()
    assert len(err.splitlines()) == 1
