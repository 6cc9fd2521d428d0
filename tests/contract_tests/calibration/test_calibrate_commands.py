"""`crmcom-kit calibrate` and `diff` as they are used: what they say, write, send and refuse."""

import json
import re
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from helpers.serving import LOGIN
from sound_server.choices import Choices
from sound_server.server import ORGANISATION, PASSWORD, USERNAME, SoundServer

from crmcom_kit.cli import main
from crmcom_kit.config_file import Refused
from crmcom_kit.contract_tests.calibration import calibrate_command, diff_command
from crmcom_kit.contract_tests.calibration.calibrate import learn_profile
from crmcom_kit.contract_tests.calibration.diff_command import with_profile
from crmcom_kit.contract_tests.calibration.profile_folder import write_folder
from crmcom_kit.contract_tests.calibration.report import Comparisons
from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.mock_server import create_app
from crmcom_kit.mock_server.protocol.config import Credentials
from crmcom_kit.schemas import API_PATH
from crmcom_kit.schemas.profile import head_of, read_profile


def command(
    *words: str, requests: int | None = 100, env: Mapping[str, str | None] | None = None
) -> Result:
    """Run a command, which sends few requests."""
    few = [] if requests is None else ["--max-requests", str(requests)]
    return CliRunner(env=env).invoke(main, [*words, *few])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile of a mock that the command has started for itself."""
    made = tmp_path_factory.mktemp("c") / "profile"
    har = made.parent / "r.har"
    done = command("calibrate", "--release", "R13", "--out", str(made), "--har", str(har))
    assert done.exit_code == 0, done.output
    assert "were or may be changed" not in done.output  # that mock has gone
    return made


def test_a_signal_while_it_learns_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*results: Any, **more: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            learn_profile(*results, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(calibrate_command, "learn_profile", interrupted)

    done = command("calibrate", "--out", str(tmp_path / "p"), requests=30)

    assert done.exit_code == 2
    assert done.stderr.endswith("\nError: interrupted; nothing was written\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("sends", [False, True])
def test_a_recording_teaches_as_well(
    folder: Path, serve: Callable[..., str], tmp_path: Path, *, sends: bool
) -> None:
    """By itself, when nothing is sent; or before the requests to a server, if one is named."""
    credentials = Credentials("integration", "Winter-2016", "ACMETV", "KEY")
    login = {**LOGIN, "CRMCOM_USERNAME": "integration", "CRMCOM_PASSWORD": "Winter-2016"}
    url = serve(create_app(release="R13", credentials=credentials))
    login |= {"CRMCOM_ORGANISATION": "ACMETV", "CRMCOM_BASE_URL": url}
    text = (folder.parent / "r.har").read_text("utf-8")
    har, new = tmp_path / "r.har", tmp_path / "p"
    har.write_text(re.sub(rf"https?://[^\"]+{API_PATH}", url, text), "utf-8")
    words = ["calibrate", "--from-har", str(har), "--out", str(new), "--max-time", "500"]
    words += ["--base-url", url] if sends else []  # the recording says the release

    done = command(*words, requests=50 if sends else None, env=login)

    assert done.exit_code == 0, done.output
    assert re.search(r"^\d+ documented requests: .*, 0 differ otherwise", done.output, re.MULTILINE)
    assert "recorded exchanges were read, and nothing was sent" in done.output
    assert ("Note: webhook requests that were or may be changed" in done.output) is sends
    first, profile = read_profile(folder), read_profile(new)
    assert profile.release.name == "R13.0.0"
    if not sends:  # learning goes on from what calibrate has sent and received
        assert dict(profile.dialect) == dict(first.dialect)
        assert profile.effects == first.effects
    paths = (each / "report.json" for each in (folder, new))
    before, requests = (json.loads(path.read_text("utf-8"))["requests"] for path in paths)
    assert (requests > before) is sends


@pytest.mark.parametrize("name", ["calibrate", "diff"])
def test_texts_of_a_server_leak_nothing_and_move_no_cursor(
    folder: Path, serve: Callable[..., str], tmp_path: Path, name: str
) -> None:
    """A refusal of the login may repeat the password."""
    words = {"calibrate": ["--out", str(tmp_path / "p")], "diff": ["--profile", str(folder)]}
    password = "Zx81-kept-to-itself"

    def refusing(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("400 Bad Request", [])
        status = {"code": f"\x1b[2J {password} is wrong", "message": "", "description": ""}
        return [json.dumps({"status": status}).encode()]

    login = {**LOGIN, "CRMCOM_PASSWORD": password, "CRMCOM_BASE_URL": serve(refusing)}
    done = command(name, *words[name], requests=None, env=login)

    assert done.exit_code == 2
    assert "refuses the login: HTTP 400" in done.output
    assert password not in done.output
    assert "\x1b" not in done.output


REFUSED = {
    "diff": "Missing option '--profile'.",
    "diff --profile p": "profile p: profile.toml cannot be read: ",
    "diff --profile p --from-har r.har --update new": "--update is not allowed with --from-har",
    "diff --profile p --update .": "--update: . exists; name a new folder",
    "diff --profile p --html no/d.html": "--html: no/d.html cannot be written: its",
    "calibrate": "Missing option '--out'.",
    "calibrate --out .": "--out: . exists; name a new folder",
    "calibrate --out no/p": "--out: ",
    "calibrate --out p --har no/t.har": "--har: no/t.har cannot be written: its",
    "calibrate --out p --from-har r.har --max-time nan": "--max-time: nan is not allowed",
}


def test_what_cannot_be_done_is_refused_ahead_of_all() -> None:
    for words, error in REFUSED.items():
        done = command(*words.split())
        assert done.exit_code == 2
        assert done.stderr.startswith(f"Error: {error}"), words


def test_what_was_not_seen_is_noted(tmp_path: Path) -> None:
    words = ["calibrate", "--out", str(tmp_path / "p"), "--allow", "none"]
    assert "Note: no response to resend and delete was seen" in command(*words, requests=9).output


def test_only_its_owner_can_read_a_profile(folder: Path) -> None:
    """Nothing else is left beside it."""
    profile = read_profile(folder)

    assert profile.release.name == "R13.0.0"
    assert profile.unsettled
    assert not list(folder.parent.glob(".*"))
    assert not [path for path in (folder, *folder.iterdir()) if path.stat().st_mode & 0o077]


def test_the_server_of_a_profile_does_not_differ(folder: Path) -> None:
    assert command("diff", "--profile", str(folder)).exit_code == 0


def test_a_comparison_of_few_requests_is_inconclusive(folder: Path) -> None:
    done = command("diff", "--profile", str(folder), requests=25)
    assert done.exit_code == 3


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """Its name is too long, or a signal comes meanwhile."""
    stop = Stop()
    with pytest.raises(Refused, match=r"--update: .*/n{300} cannot be written: "):
        write_folder(tmp_path / ("n" * 300), "--update", {}, stop)
    stop.is_requested = True
    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "p", "--out", {"profile.toml": ""}, stop)

    assert not list(tmp_path.iterdir())


def test_a_profile_is_compared_with_a_mock_of_its_release(
    folder: Path, serve: Callable[..., str]
) -> None:
    """Another --release would be refused, so the error does not ask for one."""
    base = serve(create_app(release="R9"))
    refused = command("diff", "--profile", str(folder), "--base-url", base, "--token", "T")

    assert refused.exit_code == 2
    remedy = "serves R9, not R13: calibrate again, or compare with a server of R13\n"
    assert refused.output.endswith(remedy), refused.output


@pytest.fixture(scope="module")
def changed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile with another order of lists than its server has."""
    copy = tmp_path_factory.mktemp("d") / "changed"
    shutil.copytree(folder, copy)
    dialect = (copy / "dialect.toml").read_text("utf-8")
    text = re.sub(r'order = \["created_date desc.*', 'order = ["created_date"]', dialect)
    (copy / "dialect.toml").write_text(text, "utf-8")
    return copy


def test_an_order_that_differs_is_reported_and_learned(
    folder: Path, changed: Path, tmp_path: Path
) -> None:
    page, new = tmp_path / "d.html", tmp_path / "new"
    done = command("diff", "--profile", str(changed), "--html", str(page), "--update", str(new))

    assert done.exit_code == 1
    assert "list: the order of a list" in done.output
    assert "list: which are listed" in done.output
    assert re.search(r"    the server at .*; the mock as of ", done.output)
    assert re.search(r'  list.order: \["created_date"\] -> .* \(observed', done.output)
    text = page.read_text("utf-8")
    assert "the order of a list" in text
    assert "<th>the mock as of " in text
    profile, updated = read_profile(folder), read_profile(new)
    assert updated.dialect["list.order"] == profile.dialect["list.order"]
    assert updated.effects == profile.effects


def test_no_profile_excuses_an_order(changed: Path, tmp_path: Path) -> None:
    excusing = tmp_path / "excusing"
    shutil.copytree(changed, excusing)
    differs = {"list": dict.fromkeys(("the order of a list", "which are listed"), "1 of 9")}
    head = head_of(replace(read_profile(excusing), differs=differs))
    (excusing / "profile.toml").write_text(head, "utf-8")
    done = command("diff", "--profile", str(excusing))

    assert "as the profile says (then 1 of 9)" in done.output
    assert done.exit_code == 1, done.output


def test_a_comparison_only_reads(folder: Path, serve: Callable[..., str]) -> None:
    """One that is interrupted in the middle says so."""
    asked = 0

    def interrupting(environ: Any, start_response: Any) -> Any:
        nonlocal asked
        asked += "/webhook_requests/show" in environ["PATH_INFO"]
        if asked == 8:
            signal.raise_signal(signal.SIGTERM)
        return server(environ, start_response)

    server = SoundServer(Choices(), "R13", 1)
    before = repr(server.records)
    words = ["diff", "--profile", str(folder), "--base-url"]
    login = {"username": USERNAME, "password": PASSWORD, "organisation": ORGANISATION}
    credentials = [f"--{name}={text}" for name, text in login.items()]

    done = command(*words, serve(server), *credentials)
    stopped = command(*words, serve(interrupting), *credentials)

    assert done.exit_code == 1, done.output
    assert repr(server.records) == before
    assert stopped.exit_code == 2
    assert stopped.stderr.endswith("Error: interrupted\n")


def test_a_signal_while_responses_are_compared_ends_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any) -> Comparisons:
        signal.raise_signal(signal.SIGTERM)
        return with_profile(*arguments)

    monkeypatch.setattr(diff_command, "with_profile", interrupted)

    done = command("diff", "--profile", str(folder), requests=30)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith("Error: interrupted\n")
