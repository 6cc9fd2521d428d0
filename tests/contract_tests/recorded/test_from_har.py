"""`--from-har`: recorded traffic is checked, from whichever program, and nothing is sent."""

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.checking import check
from helpers.recordings import (
    DONE,
    HOST,
    IDENTIFIER,
    NOW,
    ONE,
    OTHER_TOKEN,
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
    mistakes,
    ok,
    refused,
    show,
)
from helpers.serving import origin_of

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.records import TrackedRecords
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.targets import own_mock
from crmcom_kit.contract_tests.options.options import DEFAULTS, OPTIONS, OptionsError
from crmcom_kit.contract_tests.recorded import observer, reading
from crmcom_kit.contract_tests.recorded.hindsight import Later
from crmcom_kit.contract_tests.reports import har, html, junit
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.run.config import RunConfig, prepared
from crmcom_kit.contract_tests.run.recording import run_recording
from crmcom_kit.contract_tests.run.results import Outcome
from crmcom_kit.contract_tests.run.run import run
from crmcom_kit.mock_server.python_api.mock import crmcom_mock
from crmcom_kit.schemas import API_PATH

# What a run writes is checked as the run was.


def test_the_traffic_of_a_run_on_our_mock_is_checked_without_a_violation(tmp_path: Path) -> None:
    """The kit's own --har, whose tokens are redacted."""
    config = RunConfig(began=NOW.isoformat(), limits=Limits(max_requests=200))
    text = "".join(har.render(Report(run(own_mock("R15"), config))))
    results = checked(tmp_path, text, release="R15")
    assert not broken(results)
    assert results.exit_code == 0
    assert len(held(results)) > 90
    assert results.began == NOW.isoformat(timespec="seconds")


# Programs that record.


SAMPLES = sorted(Path(__file__).with_name("har").glob("*.har"))


def one_session(path: Path) -> tuple[list[str], set[str]]:
    """Return the client's mistakes, and the statements that hold, of a sample.

    Each has a login, a show, and a resend that was sent again after its response was lost.
    """
    results = run_recording(
        *prepared(DEFAULTS | {"from_har": (str(path),), "release": "R10"}, now=NOW)
    )
    assert not broken(results)
    assert [each.call.method for each in results.history] == ["token", "show", "resend"]
    return mistakes(results), held(results)


def test_what_a_program_records() -> None:
    """The comment in each sample says who wrote it: all show the same session."""
    (_, expected), *_ = sessions = [one_session(path) for path in SAMPLES]

    for path, session in zip(SAMPLES, sessions, strict=True):
        assert session == (["resend.sends_again"], expected), path


@contextmanager
def mitmdump(origin: str, path: Path) -> Iterator[str]:
    """Run mitmdump in front of a server, and yield its own address; skip where it is missing."""
    program = shutil.which("mitmdump")
    if program is None:
        pytest.skip("needs mitmdump, in an environment of its own")
    where = ("--listen-host", "127.0.0.1", "--listen-port", "0", "--set", f"hardump={path}")
    command = [program, "--mode", f"reverse:{origin}", *where]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    environment.pop("PYTHONPATH", None)  # it has packages of its own
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        matches = (re.search(r"listening at (\S+)\.$", line.strip()) for line in process.stdout)
        yield f"http://{next(each[1] for each in matches if each)}"
        process.terminate()
        process.stdout.read()


def test_what_mitmdump_records(tmp_path: Path) -> None:
    """The program itself, as the documentation says to use it."""
    path = tmp_path / "traffic.har"
    with crmcom_mock(release="R10") as mock, mitmdump(origin_of(mock), path) as origin:
        names = ("username", "password", "organisation")
        login = {name: getattr(mock.credentials, name) for name in names}
        with httpx.Client(base_url=f"{origin}{API_PATH}", trust_env=False, timeout=60) as client:
            token = client.post("authentication/token", json=login).json()["data"]["token"]
            named = {"token": token, IDENTIFIER: "number=7"}
            client.get("webhook_requests/show", params=named)
            mock.fail("lost_response")
            for _ in range(2):
                members = {"token": token, IDENTIFIER: {"number": "7"}}
                client.post("webhook_requests/resend", json=members)

    assert one_session(path)[0] == ["resend.sends_again"]


def test_requests_are_read_as_other_programs_write_them(tmp_path: Path) -> None:
    """Charles has JSON as a form's only name, and mitmproxy no body of a DELETE."""
    form = changed("resend", DONE)
    form["request"]["postData"] = {"params": [{"name": form["request"]["postData"]["text"]}]}
    deleted = changed("delete", refused())
    del deleted["request"]["postData"]
    deleted["request"] |= {"method": "DELETE", "bodySize": 80}
    results = checked(tmp_path, archive([show(ONE), form, deleted]))
    assert mistakes(results) == ["methods.verb"]
    assert results.history[1].call.parameters[IDENTIFIER] == {"id": ONE["id"]}


@pytest.mark.parametrize(
    "mark",
    [{"_error": "net::ERR_FAILED"}, {"_failureText": "aborted"}, {"_charlesStatus": "FAILED"}],
)
def test_a_response_that_broke_off_is_lost(tmp_path: Path, mark: dict[str, str]) -> None:
    """Whatever its status is, the client has not got it."""
    cut = changed("resend", DONE)
    cut["response"] |= mark
    results = checked(tmp_path, archive([show(ONE), cut, changed("resend", refused())]))
    assert mistakes(results) == ["resend.sends_again"]


def test_entries_without_a_response_of_the_server_are_skipped(tmp_path: Path) -> None:
    """They are counted, by the reason."""
    bare = f"{HOST}{API_PATH}/webhook_requests/list?entity=JOBS"
    made = [login(), listed([ONE]), show(ONE)]
    evicted = entry("GET", bare, 200, None)
    evicted["response"]["content"]["size"] = 4000
    others = [
        entry("GET", "https://app.example.com/", 200, "<html>"),
        entry("OPTIONS", bare, 204, None),
        entry("GET", bare, 0, None),
        evicted,
        listed([ONE]) | {"_fromCache": "disk"},
        entry("GET", bare.replace("https", "http"), 307, ""),
        entry("GET", f"{HOST}{API_PATH}/contacts/show", 200, "{}"),
    ]
    results = checked(tmp_path, archive([*made, *others]))
    assert not broken(results)
    assert "identifier.selects" in held(results)
    assert results.warnings == (
        "3 recorded exchanges were checked, and nothing was sent",
        "skipped entries: 1 of other hosts or paths, 2 of other methods, 4 without a response of "
        "the server, or from a cache",
    )


def test_what_is_no_whole_response_of_the_server_is_skipped(tmp_path: Path) -> None:
    """A body that is cut is no broken JSON; and a gateway responds for a server that is down."""
    made = [login(), listed([ONE]), login()]
    content = made[1]["response"]["content"]
    content["text"] = content["text"][:500]
    del made[2]["request"]["postData"]
    made[2]["request"]["bodySize"] = 80
    gateway = [(429, "{}"), (502, "<html>"), (503, "{}"), (504, "")]
    results = checked(tmp_path, archive([*made, *map(listed, gateway)]))
    assert not broken(results)
    assert results.warnings == (
        "1 recorded exchange was checked, and nothing was sent",
        "skipped entries: 4 with a response of a gateway (429, 502, 503, 504), 2 with an "
        "incomplete body",
    )


def test_a_response_that_is_nested_deep_is_read(tmp_path: Path) -> None:
    """Deeper than what is compared, and not as deep as what no parser reads."""
    deep = json.loads("[" * 300 + "]" * 300)
    results = checked(tmp_path, archive([show(ONE | {"request": {"text": deep}})]))
    assert not broken(results)
    assert results.history[0].data["number"] == ONE["number"]


# Several files, several servers.


def test_several_files_are_one_recording_in_the_order_of_time(tmp_path: Path) -> None:
    """The deletion is in the second file that is named, and what both have counts once."""
    entries = json.loads(archive([login(), show(ONE), changed("delete", ONE), show(ONE)]))
    made = entries["log"]["entries"]
    results = checked(tmp_path, archive(reversed(made[2:])), archive(made[:3]))
    assert broken(results) == {"delete.gone"}
    (violation,) = (each for result in results.statements for each in result.violations)
    assert [(each.number, each.call.method) for each in violation.exchanges] == [
        (3, "delete"), (4, "show"),
    ]  # fmt: skip
    assert "1 that are recorded twice" in str(results.warnings)
    assert results.target.name.endswith("0.har and 1 more")


def test_equal_entries_of_one_file_are_several_requests(tmp_path: Path) -> None:
    """A frozen clock gives them one time; another file that has one of them adds none."""
    moment = {"startedDateTime": NOW.isoformat()}
    again = changed("resend", DONE) | moment
    results = checked(tmp_path, archive([again]), archive([again, again]), archive([again]))
    assert len(results.history) == 2
    assert "2 that are recorded twice" in str(results.warnings)


def test_a_recording_of_several_servers_takes_a_base_url(tmp_path: Path) -> None:
    """They cannot be checked as one; hosts, ports and paths tell them apart."""
    made = archive([login(), listed([ONE])])
    entries = json.loads(made.replace(HOST, "http://LOCALHOST:80/crm"))["log"]["entries"]
    text = archive([*json.loads(made)["log"]["entries"], *entries])
    with pytest.raises(OptionsError, match=r"several servers; .* http://localhost/crm/crmapi/"):
        checked(tmp_path, text)
    results = checked(tmp_path, text, base_url=f"http://localhost/crm{API_PATH}/")
    assert len(results.history) == 2
    assert "2 of other hosts or paths" in str(results.warnings)
    assert results.target.base_url == f"http://localhost/crm{API_PATH}"


def test_a_recording_of_a_mock_has_its_release(tmp_path: Path) -> None:
    """Unless another is asked for; a file of a browser beside it says nothing."""
    by_mock, by_browser = (archive([login()], _release="R15.0.0"), archive([show(ONE)]))
    results = checked(tmp_path, by_browser, by_mock)
    assert results.target.release.name == "R15.0.0"
    assert results.command.startswith("crmcom-kit check --release R15 --from-har ")
    assert "the release is R15.0.0, as the recording says" in results.warnings
    results = checked(tmp_path, by_mock, release="R9")
    assert results.target.release.name == "R9.0.0"
    assert not any("release" in each for each in results.warnings)
    assert checked(tmp_path, by_browser).target.release.name == "R9.0.0"


def test_releases_are_not_mixed(tmp_path: Path) -> None:
    """The error names both files, and both releases; one that is not known is named, too."""
    texts = [archive([login()], _release=name) for name in ("R15.0.0", "R9.0.0")]
    with pytest.raises(OptionsError, match=r"/0\.har is of R15\.0\.0, .*/1\.har is of R9\.0\.0;"):
        checked(tmp_path, *texts)
    assert checked(tmp_path, *texts, release="R15").target.release.name == "R15.0.0"
    with pytest.raises(OptionsError, match=r"/0\.har: release: '5' is not a release; .*--release$"):
        checked(tmp_path, archive([login()], _release=5))


def test_a_base_url_may_have_no_path(tmp_path: Path) -> None:
    """A gateway may have the API at its root; what else it has counts as other methods."""
    text = archive([login(), listed([ONE])]).replace(API_PATH, "")
    assert len(checked(tmp_path, text, base_url=HOST).history) == 2


def test_organisations_are_not_mixed(tmp_path: Path) -> None:
    """Numbers of webhook requests are those of one organisation."""
    text = archive([login(), listed([ONE]), login(OTHER_TOKEN, organisation="OTHER")])
    (tmp_path / "0.har").write_text(text)
    done = check(tmp_path, "--from-har", "0.har")
    assert done.returncode == 2
    assert re.fullmatch(r"Error: .*several organisations log in.*: ACME, OTHER\n", done.stderr)


# Secrets that were removed, and those that were not.


@pytest.mark.parametrize(
    ("shown", "release"),
    [("…", "R10"), ("REDACTED", "R12"), ("$CRMCOM_TOKEN", "R10"), ("<token>", "R12"),
     ("0" * 32, "R10"), ("0" * 32, "R12")],
)  # fmt: skip
def test_redacted_tokens_and_credentials_are_fine(tmp_path: Path, shown: str, release: str) -> None:
    """All tokens look alike: a released one, a wrong one, and the one after it."""
    wrong = "BADC0FFE" * 4
    made = [
        login(), show(ONE), logged("token_release", {"token": TOKEN}, ok({})), show(refused(401)),
        login(OTHER_TOKEN), show(refused(401), token=wrong), show(ONE, token=OTHER_TOKEN),
        show(ONE, token=OTHER_TOKEN), key_login(shown),
    ]  # fmt: skip

    def redacted(entries: list[Entry]) -> str:
        text = archive(entries)
        for each in (TOKEN, OTHER_TOKEN, wrong, "Secret-31415926"):
            text = text.replace(each, json.dumps(shown)[1:-1])
        return text

    results = checked(tmp_path, redacted(made), release=release)
    assert not broken(results)
    assert "identifier.selects" in held(results)
    made += [show(TWO_DONE, 2), changed("resend", TWO_DONE, 2)]
    results = checked(tmp_path, redacted(made), release=release)
    assert broken(results) == {"resend.only_rejected"}


def test_no_report_shows_a_secret_of_the_recording(tmp_path: Path) -> None:
    """Tokens are hidden wherever they stand, passwords and keys as well."""
    key = base64.b64encode(b"KEY-31415926:").decode()
    leaking = listed([DONE], entity="JOBS", life_cycle_state="REJECTED")
    content = leaking["response"]["content"]
    envelope = json.loads(content["text"])
    envelope["status"]["message"] = f"{TOKEN} of Secret-31415926 KEY-31415926"
    content["text"] = json.dumps(envelope)
    results = checked(tmp_path, archive([login(), key_login(key), leaking]), release="R10")
    assert broken(results) == {"list.life_cycle_state.filter"}
    report = Report(results)
    written = [report.as_json(), html.render(report), "".join(har.render(report))]
    for text in (*written, junit.render(report)):
        for secret in (TOKEN, "Secret-31415926", "KEY-31415926", "S0VZLTMxNDE1OTI2"):
            assert secret not in text


# What its report says.


def test_statements_that_no_request_tests_have_a_reason(tmp_path: Path) -> None:
    """A recording that shows nothing of what is asked for has failed, not passed."""
    text = archive([login(), listed([ONE])])
    results = checked(tmp_path, text, only="delete.*")
    assert results.exit_code == 2
    assert results.trouble == "no request in the recording tests any of the selected statements"
    assert {each.why for each in results.statements} == {"no request in the recording tests it"}
    assert checked(tmp_path, text, only="list.*").exit_code == 0


def test_the_clients_verdict_stands_if_nothing_tests_the_server(tmp_path: Path) -> None:
    """It is checked by its requests alone; if neither side is checked, the run has failed."""
    text = archive([listed((502, "<html>"))])
    results = checked(tmp_path, text)
    assert results.outcome is Outcome.PASSED
    line = Report(results).headline
    assert line.startswith("client: no mistake in 1 request; server: no statement was checked; ")
    assert line.endswith(": no request in the recording tests it).")
    assert checked(tmp_path, text, side="server").outcome is Outcome.ERROR


def test_an_error_of_the_kit_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other exchanges are checked, and the run fails: else it would end as a broken one."""
    real = Later.add

    def crash_once(self: Any, exchange: Any, *more: Any, **named: Any) -> None:
        if exchange.number == 2:
            raise KeyError("oops")
        real(self, exchange, *more, **named)

    monkeypatch.setattr(Later, "add", crash_once)

    results = checked(tmp_path, archive([login(), show(ONE), listed([ONE])]))

    assert results.exit_code == 2
    assert results.trouble == "an internal error of crmcom-kit: the recording: KeyError: 'oops'"
    assert "envelope.data_array" in held(results)


def test_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit into memory is refused, also in several files; and so is a folder."""
    text = archive([show(ONE)])
    monkeypatch.setattr(reading, "MAX_BYTES", len(text) + 10)
    assert len(checked(tmp_path, text).history) == 1
    with pytest.raises(OptionsError, match=r"more than 0 MB; check them in parts"):
        checked(tmp_path, text, text)
    with pytest.raises(OptionsError, match=r"--from-har: cannot read .*"):
        prepared(DEFAULTS | {"from_har": (str(tmp_path),)}, now=NOW)


# What cannot be done.

NO_RECORDINGS = {
    "": "is not valid JSON",
    '{"log": {"entries": [{"a": 1}': "is not valid JSON",
    "\x00\xff": "is not valid JSON",
    "[]": "is not a HAR file: it has no log.entries",
    '{"log": {"entries": {}}}': "is not a HAR file: it has no log.entries",
    archive([]): "concerns the API: no request with /crmapi/rest/v2 in its URL",
    archive([1, None, [], {"request": []}]): "skipped: 4 that cannot be read",
    archive([show(ONE) | {"startedDateTime": time} for time in ("9999-12-31T23:59:59-02:00", 5)]):
        "skipped: 2 that cannot be read",
    archive([entry("GET", "https://app.example.com/", 200, "")]): "1 of other hosts or paths",
}  # fmt: skip


def test_files_that_are_no_recordings(tmp_path: Path) -> None:
    """One line says what is wrong with which file."""
    for text, why in NO_RECORDINGS.items():
        with pytest.raises(OptionsError) as caught:
            checked(tmp_path, text)
        assert str(caught.value).startswith("--from-har: ")
        assert why in str(caught.value)
        assert "\n" not in str(caught.value)


def test_options_that_make_no_sense_beside_it() -> None:
    """All that is about requests to be sent."""
    refused = {
        "allow": "resend", "token": "T", "username": "ann", "api_key": "K", "dry_run": True,
        "max_requests": 5, "rate": 1.0, "seed": 1, "admin_token": "A",
        "scope": ("all",),
        "secret_key": ("A=B",),
    }  # fmt: skip
    for name, value in refused.items():
        option = next(option.label for option in OPTIONS if option.key == name)
        with pytest.raises(OptionsError, match=f"{option} is not allowed with --from-har"):
            prepared(DEFAULTS | {"from_har": ("x.har",), name: value}, now=NOW)


#: An environment that is about another server.
OTHER = {"CRMCOM_BASE_URL": "https://other.example.com", "CRMCOM_TOKEN": "T"}


def test_the_command(tmp_path: Path) -> None:
    """Exit codes, reports, and an environment that does not matter."""
    wrong = listed([DONE], entity="JOBS", life_cycle_state="REJECTED")
    (tmp_path / "a.har").write_text(archive([login(), wrong]))
    outputs = {"json": "a.json", "junit": "a.xml", "html": "a.html"}
    reports = [f"--{name}={path}" for name, path in outputs.items()]
    done = check(tmp_path, "--from-har", "a.har", *reports, **OTHER)
    assert done.returncode == 1, done.stderr
    assert "✗ list.life_cycle_state.filter" in done.stdout
    assert "2 recorded exchanges were checked, and nothing was sent" in done.stdout
    assert all((tmp_path / path).stat().st_size for path in outputs.values())
    command = json.loads((tmp_path / "a.json").read_text())["run"]["command"]
    assert command == "crmcom-kit check --from-har a.har"
    for option, value in (("--har", "a.har"), ("--token", "T"), ("--from-har", "none.har")):
        done = check(tmp_path, "--from-har", "a.har", option, value, **OTHER)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(f"Error: {option}.*\n", done.stderr)
    done = check(tmp_path, CRMCOM_CHECK_FROM_HAR="a.har", CRMCOM_CHECK_ONLY="login.*", **OTHER)
    assert "2 recorded exchanges were checked" in done.stdout
    assert "✗" not in done.stdout


def test_untracked_records_are_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is checked by itself alone."""
    monkeypatch.setattr(
        observer, "Belief", lambda release, known: Belief(release, known, TrackedRecords(1))
    )
    results = checked(tmp_path, archive([listed([ONE, TWO])]))
    assert "1 webhook request are untracked, and are not checked" in results.warnings
