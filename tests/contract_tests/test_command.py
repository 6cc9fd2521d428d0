"""`crmcom-kit check` as it is used: exit codes, reports and environment."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from helpers.checking import OURS, check
from mutants.table import ROWS
from sound_server.server import ORGANISATION, PASSWORD, USERNAME, SoundServer


def test_a_mock_of_its_own_passes_and_every_report_is_written(tmp_path: Path) -> None:
    """Without a base URL it checks a mock of its own, ends with 0, and leaves nothing else.

    It does so on a terminal that lacks some signs.
    """
    files = ["r.json", "r.xml", "r.html", "r.har", "known.toml"]
    flags = ["--json", "--junit", "--html", "--har", "--write-deviations"]
    pairs = [part for pair in zip(flags, files, strict=True) for part in pair]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    clean |= {"PYTHONIOENCODING": "cp1252", "HYPOTHESIS_STORAGE_DIRECTORY": ""}
    command = (sys.executable, "-m", "crmcom_kit", "check", "--release", "R15")

    done = subprocess.run(
        [*command, *pairs], cwd=tmp_path, env=clean,
        capture_output=True, text=True, encoding="cp1252", timeout=250, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    summary = report["summary"]
    assert summary["achieved"] == summary["statements"] - 2 == summary["holds"] > 100
    codes, expiry = (each["why"] for each in report["statements"] if each["verdict"] != "holds")
    assert "CRMCOM_SECRET_KEY" in codes + expiry
    assert "CRMCOM_EXPIRED_TOKEN" in codes + expiry
    assert 1_200 < summary["requests"] <= 1_500
    cases = list(ET.parse(tmp_path / "r.xml").iter("testcase"))  # noqa: S314 - our own text
    assert len(cases) == summary["statements"]
    # The token of the run was masked: none of those in the responses is in the archive.
    assert "$CRMCOM_TOKEN" in (tmp_path / "r.har").read_text("utf-8")
    assert "PASSED: 105 of 107 statements hold; 2 were not exercised (" in done.stdout


def test_a_broken_server_is_1_and_names_the_statement(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    wrong, right = ROWS["business_units_null_in_show"].server(), SoundServer()
    login = ("--username", USERNAME, "--password", PASSWORD, "--organisation", ORGANISATION)

    def checked(app: SoundServer, flag: str) -> Any:
        options = ("--max-requests", "100", flag, "known.toml", *login)
        return check(tmp_path, "--base-url", serve(app), *options)

    broken = checked(wrong, "--write-deviations")
    listed = checked(wrong, "--deviations")
    stale = checked(right, "--deviations")

    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "✗ response.log_information.units" in broken.stdout
    assert 'curl -isS "$URL/webhook_requests/' in broken.stdout
    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert "deviate as listed" in listed.stdout
    assert stale.returncode == 1, stale.stdout + stale.stderr
    assert "stale" in stale.stdout


@pytest.mark.parametrize(
    ("arguments", "variables", "text"),
    [
        (["--base-url", "http://127.0.0.1:9/x", "--token", "T"], {}, "does not respond"),
        (["--json", "no/such/folder/r.json"], {}, "Error: --json: "),
        (["--json", "."], {}, "Error: --json: . cannot be written: it is a folder"),
        (["--deviations", "nowhere.toml"], {}, "Error: --deviations: nowhere.toml "),
        (["--max-requests", "9"], {"CRMCOM_BASE_URL": ""}, "Error: --base-url is empty"),
    ],
)
def test_a_run_that_cannot_begin_is_2(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], text: str
) -> None:
    done = check(tmp_path, *arguments, **variables)

    assert done.returncode == 2
    assert text in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


FEW = ("--max-requests", "20", "--json", "r.json")


def test_a_dry_run_prints_and_writes_nothing(tmp_path: Path) -> None:
    """Not even the server has to be there."""
    nowhere = ("--base-url", "http://127.0.0.1:9/x", "--token", "T")

    done = check(tmp_path, *FEW, *nowhere, "--dry-run")

    assert done.returncode == 0, done.stderr
    assert "\nGET http://127.0.0.1:9/x/webhook_requests/list: " in done.stdout
    assert done.stdout.endswith("\nNothing was sent.\n")
    assert not list(tmp_path.iterdir())


def test_a_rare_credential_comes_from_its_variable(tmp_path: Path) -> None:
    """Neither a flag nor the file has it."""
    words = ("--dry-run", "--base-url", "http://127.0.0.1:9/x", "--token", "T", *FEW)

    done = check(tmp_path, *words, CRMCOM_SECRET_KEY="1=a 2=b")
    wrong = check(tmp_path, *words, CRMCOM_SECRET_KEY="1=a 2")
    (tmp_path / "crmcom-kit.toml").write_text('[check]\nunit = "7"\n')
    in_file = check(tmp_path, *words)

    assert done.returncode == 0, done.stderr
    assert "CRMCOM_SECRET_KEY: 'a value of another form'" in wrong.stderr
    assert "unit" in in_file.stderr
    assert in_file.returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_report_that_cannot_be_written_costs_no_other(tmp_path: Path) -> None:
    done = check(tmp_path, "--junit", "/dev/full", *FEW, "--html", "r.html")

    assert done.returncode == 2
    assert "Error: --junit: cannot write /dev/full: " in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"r.json", "r.html"}
    assert "20 requests" in done.stdout


def test_the_job_summary_is_appended_where_github_shows_it(tmp_path: Path) -> None:
    """What other steps wrote stays; a new file is for its owner; a failure costs nothing."""
    shown = tmp_path / "shown.md"
    shown.write_text("before\n", "utf-8")

    done = check(tmp_path, *FEW, GITHUB_STEP_SUMMARY=str(shown))

    assert done.returncode == 3, done.stderr
    assert "too few requests for it, allow more with --max-requests" in done.stdout
    assert shown.read_text("utf-8").startswith("before\n```text\nINCONCLUSIVE: ")

    new = tmp_path / "new.md"
    check(tmp_path, *FEW, GITHUB_STEP_SUMMARY=str(new))

    for path in (new, tmp_path / "r.json"):
        assert path.stat().st_mode & 0o077 == 0  # it has data of a server

    done = check(tmp_path, *FEW, GITHUB_STEP_SUMMARY=str(tmp_path / "no" / "such.md"))

    assert done.returncode == 3
    assert done.stderr.startswith("Warning: GITHUB_STEP_SUMMARY: cannot write ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--from-har r.har --junit link", "--junit: link is the file that --from-har reads"),
        ("--ledger r.har --junit link", "--junit: link is the file that --ledger writes"),
        ("--json r.json --har r.json", "--har: r.json is the file that --json writes"),
    ],
)
def test_files_that_would_take_each_others_place_are_refused(
    options: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "r.har").write_text("precious", "utf-8")
    (tmp_path / "link").symlink_to("r.har")

    done = check(tmp_path, *options.split())

    assert done.stderr == f"Error: {message}; name another one\n"
    assert (tmp_path / "r.har").read_text("utf-8") == "precious"
