"""The options of a run: one table for command and pytest; what cannot be followed is refused."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest

from crmcom_kit.contract_tests.options.deviations import read_deviations
from crmcom_kit.contract_tests.options.options import (
    RUN_OPTIONS,
    OptionsError,
    check_only,
    check_url,
    command_line,
)
from crmcom_kit.contract_tests.run.config import prepared

NOW = dt.datetime(2026, 11, 24, 20, tzinfo=dt.UTC)
URL = "https://crm.example.com/crmapi/rest/v2"
REMOTE = {"base_url": URL, "token": "T-0123"}


def given(**changes: Any) -> dict[str, Any]:
    """Return a value for every option: the default, unless it is changed."""
    values = {option.key: () if option.repeats else option.default for option in RUN_OPTIONS}
    assert set(changes) <= set(values)
    return {**values, **changes}


INVALID: tuple[tuple[dict[str, Any], str], ...] = (
    ({**REMOTE, "base_url": "crm.example.com"}, "--base-url: 'crm.example.com' is not allowed"),
    ({**REMOTE, "base_url": "http://h:99999/x"}, "--base-url: 'http://h:99999/x' is not"),
    ({**REMOTE, "base_url": f"{URL}?token=T"}, "--base-url: "),
    ({**REMOTE, "base_url": "https://ann:hush@crm/x"}, "--base-url: 'a URL with a user in it'"),
    ({**REMOTE, "base_url": f"http://{'a' * 64}.example/x"}, "--base-url: 'http://aaa"),
    ({**REMOTE, "base_url": "http://crm\udcff/x"}, "--base-url: a string that is not UTF-8"),
    ({**REMOTE, "base_url": ""}, "--base-url is empty: give the server's base URL"),
    ({"base_url": " "}, "--base-url is empty"),
    ({"token": "hush"}, "--base-url is missing, and --token is for a server"),
    ({**REMOTE, "api_key": "hush\udcff"}, "--api-key: a string that is not UTF-8 is not"),
    ({"scope": ("number=7", "\udcff")}, "--scope: a string that is not UTF-8"),
    ({"base_url": URL}, "no login: give --token"),
    ({"base_url": URL, "username": "ann", "organisation": "O"}, "--password is missing"),
    ({**REMOTE, "allow": "resend"}, "--allow needs a scope"),
    ({**REMOTE, "allow": "show"}, "--allow: 'show' is not allowed; allowed is resend, delete"),
    ({"scope": ("7",)}, "--scope: '7' is not allowed; allowed is definition=NAME, number=N or"),
    ({"scope": ("all=7",)}, "--scope: 'all=7' is not allowed"),
    ({"scope": ("number=7", "all")}, "--scope: allowed is one definition, any numbers"),
    ({"scope": ("definition=A", "definition=B")}, "--scope: allowed is one definition"),
    ({**REMOTE, "scope": ("all",)}, "--scope allows nothing by itself: add --allow"),
    ({"max_requests": 0}, "--max-requests: 0 is not allowed; allowed is a number from 1 on"),
    ({"rate": 0.0}, "--rate: 0.0 is not allowed; allowed is a number from 1.2e-05 on"),
    ({"rate": float("nan")}, "--rate: nan is not allowed"),
    ({"max_time": float("inf")}, "--max-time: inf is not allowed"),
    ({"max_time": 0.0}, "--max-time: 0.0 is not allowed; allowed is a number from 1 to 86400"),
    ({"seed": -1}, "--seed: -1 is not allowed"),
    ({"ledger": ""}, "--ledger: '' is not allowed; allowed is the path of a file"),
    ({"secret_key": ("KEY",)}, "CRMCOM_SECRET_KEY: 'a value of another form' is not allowed"),
    ({"only": "nothing.*"}, "--only: 'nothing.*' is not allowed; allowed is"),
)


def test_an_invalid_option_is_refused_by_name() -> None:
    """Each error names the option, what was seen and what is allowed, and no secret."""
    for changes, text in INVALID:
        with pytest.raises(OptionsError) as caught:
            prepared(given(**changes), now=NOW)
        assert str(caught.value).startswith(text), changes
        assert "hush" not in str(caught.value)


def test_only_names_the_release_and_what_it_may_be() -> None:
    """A statement of another release names that one; a misspelled one, the nearest."""
    with pytest.raises(
        OptionsError, match=r"test in R9\.0\.0; login\.token\.jwt needs --release R12$"
    ):
        check_only("login.token.jw*", "R9.0.0")
    with pytest.raises(OptionsError, match=r"test in R12\.0\.0 \(nearest: login\.token\.jwt\)$"):
        check_only("login.token.jw", "R12.0.0")
    check_only("login.token.jw*", "R12.0.0")


def test_a_seed_may_have_any_number_of_digits() -> None:
    """More than a float can hold, too."""
    assert prepared(given(seed=10**400), now=NOW)[1].seed == 10**400


def test_without_a_base_url_the_target_is_a_mock_of_its_own() -> None:
    """Nothing given means: a mock in this process, in release R9."""
    target, config = prepared(given(), now=NOW)

    assert target.is_own
    assert target.release.name == "R9.0.0"
    assert config.began == "2026-11-24T20:00:00+00:00"
    assert config.scope is None
    assert config.allowed is None


def test_a_scope_and_what_may_be_changed() -> None:
    """--allow and --scope decide which webhook requests may be changed, and how."""
    changes = {
        "base_url": f"{URL}/\n",
        "allow": "resend, delete",
        "scope": ("number=7", "number=14"),
    }

    target, config = prepared(given(**REMOTE | changes, max_requests=9), now=NOW)

    assert not target.is_own
    assert target.base_url == URL
    assert config.allowed == frozenset({"resend", "delete"})
    assert config.limits.max_requests == 9
    assert config.scope is not None
    assert {"id": "A", "number": "7"} in config.scope
    assert {"id": "B", "number": "8"} not in config.scope


def test_reports_show_no_secret_option() -> None:
    """The command that repeats a run names the variables of secrets, without the values."""
    values = given(**REMOTE, password="hush", api_key="hush-key", secret_key=("D=hush",))

    line = command_line(values)
    assert "hush" not in line
    variables = [f"CRMCOM_{name}=…" for name in ("PASSWORD", "API_KEY", "TOKEN", "SECRET_KEY")]
    assert line == f"{' '.join(variables)} crmcom-kit check --base-url {URL}"


def read(tmp_path: Path, text: str) -> Any:
    """Read a file of deviations that holds ``text``."""
    path = tmp_path / "known.toml"
    path.write_text(text, "utf-8")
    return read_deviations(path)


GOOD = """
[[deviation]]
statement = "list.no_duplicates"
seen = "number * twice"
reason = "ticket 5"
"""


WRONG_FILES = (
    ("x = ", "known.toml: "),
    ("x = 1", "x is not allowed; allowed is [[deviation]], [[not_seen]]"),
    ("deviation = 1", "is not allowed"),
    ("deviation = [1]", "deviation 1: 1 is not allowed; allowed is a table"),
    (GOOD.replace("list.no_duplicates", "list.no_duplicate"), "nearest: list.no_duplicates"),
    (
        GOOD.replace("list.no_duplicates", "login.token.one_hour"),
        "deviation 1: statement: no request can test login.token.one_hour: checking it takes",
    ),
    (GOOD.replace('reason = "ticket 5"\n', ""), "deviation 1: reason is missing"),
    (GOOD.replace('"ticket 5"', "5"), "reason: 5 is not allowed; allowed is a text"),
    (GOOD + "who = 1", "who is not allowed; allowed is statement, method"),
    (GOOD + 'method = "show"', "method: 'show' is not allowed; allowed is list"),
    ('[[not_seen]]\nwhat = "shew"\nreason = "x"', "not_seen 1: what: 'shew' is not allowed"),
    ('[[not_seen]]\nwhat = "show"', "not_seen 1: reason is missing"),
    ('[[expected_refusal]]\nmethod = "shew"\nreason = "x"', "method: 'shew' is not allowed"),
    ('[[expected_refusal]]\nreason = "x"', "expected_refusal 1: method is missing"),
    (
        "[[expected_refusal]]\nparameters = 5",
        "parameters: 5 is not allowed; allowed is a table",
    ),
    (GOOD + 'after = "show"', "after: 'show' is not allowed; allowed is resend, delete"),
)


def test_a_wrong_file_of_deviations_is_refused(tmp_path: Path) -> None:
    """Each error names the file, the entry and the member."""
    for text, part in WRONG_FILES:
        with pytest.raises(OptionsError) as caught:
            read(tmp_path, text)
        assert part in str(caught.value), text
        assert str(caught.value).startswith(f"--deviations: {tmp_path / 'known.toml'}: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files here")
def test_only_files_that_end_are_read(tmp_path: Path) -> None:
    """A device, a pipe that nobody writes into, and what is far too long are refused."""
    pipe, long = tmp_path / "pipe", tmp_path / "long"
    os.mkfifo(pipe)
    long.write_bytes(b"#" * 2_000_000)

    for path, why in ((Path("/dev/zero"), "regular"), (pipe, "regular"), (long, "longer than")):
        with pytest.raises(OptionsError, match=f"{path}: .*{why}"):
            prepared(given(deviations=str(path)), now=NOW)


def test_unreadable_certificates_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before anything is sent, and only where the server has https."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    check_url("http://crm.example.com")
    with pytest.raises(OptionsError, match="SSL_CERT_FILE"):
        check_url("https://crm.example.com")
