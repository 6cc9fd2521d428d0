"""`--from-har`: recorded traffic is judged, from whichever program, and nothing is sent."""

import base64
import copy
import datetime as dt
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from crmcom_kit.contract_tests.recorded.removed_secrets import is_placeholder
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.in_process import InProcess
from crmcom_kit.contract_tests.config import prepared
from crmcom_kit.contract_tests.options import OPTIONS, OptionsError
from crmcom_kit.contract_tests.recorded import reading as recordings
from crmcom_kit.contract_tests.recorded.judging import NOTHING_SHOWN
from crmcom_kit.contract_tests.reports import har, html, junit
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.contract_tests.run import RunConfig, run
from crmcom_kit.contract_tests.targets import own_mock
from crmcom_kit.schemas import API_PATH

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
HOST = "https://crm.example.com"
Entry = dict[str, Any]
Answer = tuple[int, list[tuple[str, str]], bytes]


class Recorder:
    """Calls a server and records it: an entry each second, as a proxy writes it."""

    def __init__(self, ask: Callable[..., Answer], login: Mapping[str, Any]) -> None:
        self.ask, self.login_data = ask, login
        self.entries: list[Entry] = []
        self.moment = NOW
        self.token = ""

    def call(
        self, verb: str, path: str, query: str = "", body: Any = None, *headers: tuple[str, str]
    ) -> Any:
        """Send a request and record it; a gateway's page counts as an envelope without data."""
        raw = None if body is None else json.dumps(body).encode()
        status, answered, content = self.ask(verb, f"{API_PATH}/{path}", query, raw, headers)
        self.moment += dt.timedelta(seconds=1)
        url = f"{HOST}{API_PATH}/{path}" + (f"?{query}" if query else "")
        self.entries.append(entry(verb, url, body, status, content.decode(), self.moment))
        self.entries[-1]["request"]["headers"] += [{"name": n, "value": v} for n, v in headers]
        self.entries[-1]["response"]["headers"] += [{"name": n, "value": v} for n, v in answered]
        return json.loads(content) if content[:1] == b"{" else {"data": {}}

    def login(self, path: str = "authentication/token") -> None:
        """Log in, and use the token."""
        data = self.call("POST", path, body=self.login_data)["data"]
        self.token = data.get("token", self.token)

    def get(self, method: str, **given: Any) -> Any:
        """Call a GET method."""
        given = {"token": self.token, **given}
        query = "&".join(f"{name}={quote(str(text), safe='=')}" for name, text in given.items())
        return self.call("GET", f"webhook_requests/{method}", query)

    def list(self, **filters: str) -> Any:
        """Return the webhook requests in a list."""
        return self.get("list", **filters)["data"]

    def show(self, key: str, **more: str) -> Any:
        """Show a webhook request."""
        return self.get("show", webhook_request_identifier=f"id={key}", **more)

    def change(self, method: str, key: str) -> Any:
        """Send a webhook request again, or delete it."""
        body = {"token": self.token, "webhook_request_identifier": {"id": key}}
        return self.call("POST", f"webhook_requests/{method}", "", body)


def entry(
    verb: str, url: str, body: Any, status: int, text: str | None, moment: dt.datetime = NOW
) -> Entry:
    """Return an entry as every program writes it, more or less."""
    request: Entry = {
        "method": verb,
        "url": url,
        "httpVersion": "HTTP/2",
        "headers": [{"name": ":authority", "value": "crm.example.com"}],
        "queryString": [],
        "cookies": [],
        "headersSize": -1,
        "bodySize": 0,
    }
    if body is not None:
        sent = json.dumps(body)
        request |= {"postData": {"mimeType": "application/json", "text": sent}}
        request["bodySize"] = len(sent)
    content: Entry = {"size": len(text or ""), "mimeType": "application/json"}
    if text is not None:
        content["text"] = text
    return {
        "startedDateTime": moment.isoformat(),
        "time": 20.5,
        "request": request,
        "response": {"status": status, "headers": [], "content": content, "redirectURL": ""},
        "cache": {},
        "timings": {"send": 0, "wait": 20, "receive": 0.5},
    }


def archive(entries: Any, creator: str = "mitmproxy") -> str:
    """Return entries as a HAR file."""
    log = {"version": "1.2", "creator": {"name": creator, "version": "1"}, "entries": entries}
    return json.dumps({"log": log})


def mock_recorder(release: str = "R9") -> Recorder:
    """Return a recorder of a mock, logged in."""
    target = own_mock(release)
    transport = target.transport
    assert isinstance(transport, InProcess)

    def ask(*call: Any) -> Answer:
        made = transport.ask(*call)
        return made.status, list(made.headers), made.content

    names = ("username", "password", "organisation")
    recorder = Recorder(ask, {name: getattr(target.login, name) for name in names})
    recorder.login()
    return recorder


def values(**given: Any) -> dict[str, Any]:
    """Return the options of a run."""
    return {o.key: () if o.repeats else o.default for o in OPTIONS} | given


def judged(folder: Path, *texts: str, **options: Any) -> Results:
    """Judge texts as the files of one recording."""
    paths = [folder / f"{number}.har" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8")
    given = values(from_har=tuple(map(str, paths)), **options)
    return run(*prepared(given, now=NOW))


def broken(results: Results) -> set[str]:
    """Return the statements that are broken, of a run that has not failed."""
    assert results.trouble is None, results.trouble
    return {each.statement.id for each in results.statements if each.violations}


def held(results: Results) -> set[str]:
    """Return the statements that hold."""
    return {each.statement.id for each in results.statements if each.held}


def text_of(entry: Entry) -> Any:
    """Return the JSON of a response."""
    return json.loads(entry["response"]["content"]["text"])


def put(entry: Entry, envelope: Any) -> None:
    """Have a response say something else."""
    text = json.dumps(envelope)
    entry["response"]["content"] |= {"text": text, "size": len(text)}
    entry["response"]["status"] = 200


def edited(entry: Entry, **members: Any) -> None:
    """Have a webhook request in a response say something else."""
    envelope = text_of(entry)
    data = envelope["data"]
    (data[0] if isinstance(data, list) else data).update(members)
    put(entry, envelope)


def refuse(entry: Entry, status: int = 400) -> None:
    """Have a response be an error."""
    put(entry, {"status": {"code": "E.1", "message": "No.", "description": ""}, "data": None})
    entry["response"]["status"] = status


def record_in(recorder: Recorder, state: str = "REJECTED") -> dict[str, Any]:
    """Return a webhook request that a list shows."""
    found: list[dict[str, Any]] = recorder.list(entity="JOBS", life_cycle_state=state)
    return found[0]


# What a run writes is judged as the run was.


def test_the_traffic_of_a_run_on_our_mock_is_judged_without_a_violation(tmp_path: Path) -> None:
    """The kit's own --har, whose tokens are redacted; its own archive of it says the same."""
    release = "R15"
    limits = Limits(max_requests=400)
    live = run(own_mock(release), RunConfig(began=NOW.isoformat(), limits=limits))
    text = "".join(har.written(Report(live)))
    results = judged(tmp_path, text, release=release)
    assert not broken(results)
    assert results.exit_code == 0
    assert len(held(results)) > 90
    assert results.began == NOW.isoformat(timespec="seconds")
    again = judged(tmp_path, "".join(har.written(Report(results))), release=release)
    assert held(again) == held(results)
    assert not broken(again)


#: What a webhook request says that was sent.
DELIVERED = {"life_cycle_state": "SUCCESSFUL", "error_code": None, "error_description": None}


def _filter(recorder: Recorder) -> None:
    recorder.list(entity="JOBS", life_cycle_state="REJECTED")
    edited(recorder.entries[-1], **DELIVERED)


def _changed_by_show(recorder: Recorder) -> None:
    key = record_in(recorder)["id"]
    for _ in range(3):
        recorder.show(key)
    edited(recorder.entries[-2], url="https://elsewhere.example.com")


def _deleted_is_shown(recorder: Recorder) -> None:
    key = record_in(recorder)["id"]
    shown = recorder.show(key)
    recorder.change("delete", key)
    recorder.show(key)
    put(recorder.entries[-1], shown)


def _resent_again(recorder: Recorder) -> None:
    key = record_in(recorder, "SUCCESSFUL")["id"]
    shown = recorder.show(key)
    recorder.change("resend", key)
    put(recorder.entries[-1], shown)


def _show_is_refused(recorder: Recorder) -> None:
    key = record_in(recorder)["id"]
    recorder.show(key)
    refuse(recorder.entries[-1])
    recorder.list(entity="JOBS")


def _fields_set_is_refused(recorder: Recorder) -> None:
    key = record_in(recorder)["id"]
    recorder.show(key, fields_set="id,url")
    refuse(recorder.entries[-1])
    recorder.show(key)


def _delete_is_refused(recorder: Recorder) -> None:
    key = record_in(recorder)["id"]
    recorder.change("delete", "0" * 32)
    sent = recorder.entries[-1]["request"]["postData"]
    sent["text"] = sent["text"].replace("0" * 32, key)
    recorder.list(entity="JOBS")


def _list_fails_twice(recorder: Recorder) -> None:
    record_in(recorder)
    for _ in range(2):
        recorder.list(entity="JOBS")
        refuse(recorder.entries[-1], 500)
    record_in(recorder)


def _no_json(recorder: Recorder) -> None:
    record_in(recorder)
    content = recorder.entries[-1]["response"]["content"]
    content |= {"text": content["text"][:-1], "size": content["size"] - 1}


def _released_token(recorder: Recorder) -> None:
    body = {"token": recorder.token}
    recorder.call("POST", "authentication/token/release", "", body)
    recorder.get("list", entity="JOBS")
    put(
        recorder.entries[-1],
        {"status": {"code": "OK", "message": "", "description": ""}, "data": []},
    )


def _delete_returns_another(recorder: Recorder) -> None:
    key = record_in(recorder)["id"]
    recorder.change("delete", key)
    edited(recorder.entries[-1], entity_id="X" * 32)


BREACHES: dict[str, tuple[Callable[[Recorder], None], str]] = {
    "list.life_cycle_state.filter": (_filter, "R9"),
    "show.changes_nothing": (_changed_by_show, "R9"),
    "delete.gone": (_deleted_is_shown, "R9"),
    "resend.only_rejected": (_resent_again, "R9"),
    "show.identifier.selects": (_show_is_refused, "R9"),
    "show.fields_set.names": (_fields_set_is_refused, "R9"),
    "delete.either_state": (_delete_is_refused, "R9"),
    "entities.r9": (_list_fails_twice, "R9"),
    "envelope.json": (_no_json, "R9"),
    "token_release.ends_token": (_released_token, "R10"),
    "delete.returns_record": (_delete_returns_another, "R9"),
}


@pytest.mark.parametrize("statement", BREACHES)
def test_one_edited_response_breaks_the_right_statement(tmp_path: Path, statement: str) -> None:
    """The same traffic without the edit breaks nothing."""
    make, release = BREACHES[statement]
    recorder = mock_recorder(release)
    make(recorder)
    results = judged(tmp_path, archive(recorder.entries), release=release)
    if statement == "delete.returns_record":  # certain, since nobody changes an entity_id
        assert broken(results) <= {statement, "delete.identifier.selects"}
    assert statement in broken(results)
    assert len(broken(results)) == 1
    assert results.exit_code == 1


def _changed_for_good(recorder: Recorder) -> None:
    key = record_in(recorder)["id"]
    for _ in range(4):
        recorder.show(key)
    for entry in recorder.entries[-2:]:
        edited(entry, **DELIVERED)


def _refused_for_a_moment(recorder: Recorder) -> None:
    key = record_in(recorder)["id"]
    for _ in range(2):
        recorder.show(key)
    refuse(recorder.entries[-2])


def _failed_once(recorder: Recorder) -> None:
    record_in(recorder)
    recorder.list(entity="JOBS")
    refuse(recorder.entries[-1], 500)
    record_in(recorder)


def _token_ended(recorder: Recorder) -> None:
    key = record_in(recorder)["id"]
    recorder.show(key)
    refuse(recorder.entries[-1])
    recorder.login()
    recorder.list(entity="JOBS")


def _gone(recorder: Recorder) -> None:
    key = record_in(recorder)["id"]
    for _ in range(2):
        recorder.show(key)
        refuse(recorder.entries[-1], 404)
    recorder.list(entity="JOBS")
    envelope = text_of(recorder.entries[-1])
    put(recorder.entries[-1], {**envelope, "data": [r for r in envelope["data"] if r["id"] != key]})


def _tried_again_by_others(recorder: Recorder) -> None:
    """Another error, and the first one again much later: others have tried the delivery."""
    key = record_in(recorder)["id"]
    for number in range(3):
        recorder.moment += dt.timedelta(minutes=number)
        recorder.show(key)
    edited(recorder.entries[-2], error_description="Another one.")


def _shown_while_deleted(recorder: Recorder) -> None:
    key = record_in(recorder)["id"]
    recorder.show(key)
    shown = text_of(recorder.entries[-1])
    recorder.change("delete", key)
    recorder.entries[-1]["time"] = 3000
    recorder.show(key)
    put(recorder.entries[-1], shown)


def _unknown_outcome(recorder: Recorder) -> None:
    """A resend without a response may have been done, and a second one be refused for it."""
    record = record_in(recorder)
    recorder.change("resend", record["id"])
    recorder.entries[-1]["response"] = {"status": 0, "content": {}}
    recorder.show(record["id"])
    recorder.change("resend", record["id"])
    recorder.list(entity="JOBS", life_cycle_state="REJECTED")


HARMLESS = (
    _changed_for_good,
    _refused_for_a_moment,
    _failed_once,
    _token_ended,
    _gone,
    _tried_again_by_others,
    _shown_while_deleted,
    _unknown_outcome,
)


@pytest.mark.parametrize("make", HARMLESS)
def test_nothing_is_held_against_a_server_that_the_recording_leaves_open(
    tmp_path: Path, make: Callable[[Recorder], None]
) -> None:
    """Others may have done it, it was for a moment only, or two requests have no order."""
    recorder = mock_recorder()
    make(recorder)
    assert not broken(judged(tmp_path, archive(recorder.entries)))


# Programs that record.


def chrome(recorder: Recorder) -> list[Entry]:
    """Return entries as Chrome exports them by default, with what else a page asks for."""
    made = copy.deepcopy(recorder.entries)
    for each in made:
        each |= {"_initiator": {"type": "script"}, "_priority": "High", "_resourceType": "fetch"}
        each["startedDateTime"] = each["startedDateTime"].replace("+00:00", ".123Z")
        headers = each["request"]["headers"]
        headers[:] = [h for h in headers if h["name"].lower() not in ("authorization", "cookie")]
        headers += [{"name": name, "value": "x"} for name in (":method", ":path", "origin")]
    first, last = made[0], copy.deepcopy(made[-1])
    url = first["request"]["url"]
    page = entry("GET", "https://app.example.com/", None, 200, "<html>")
    preflight = entry("OPTIONS", url, None, 204, None)
    aborted = entry("GET", last["request"]["url"], None, 0, None)
    evicted = entry("GET", last["request"]["url"], None, 200, None)
    evicted["response"]["content"]["size"] = 4000
    cached = {**last, "_fromCache": "disk"}
    moved = entry("GET", last["request"]["url"].replace("https", "http"), None, 307, "")
    other = entry("GET", url.replace("authentication/token", "contacts/show"), None, 200, "{}")
    return [page, preflight, *made, aborted, evicted, cached, moved, other]


def test_what_chrome_exports(tmp_path: Path) -> None:
    """Entries that show no response of the server are skipped and counted, by the reason."""
    recorder = mock_recorder()
    record = record_in(recorder)
    recorder.show(record["id"])
    recorder.call("GET", "webhook_requests/list", "entity=JOBS")
    put(recorder.entries[-1], text_of(recorder.entries[1]))  # by the header that Chrome leaves out
    results = judged(tmp_path, archive(chrome(recorder), "WebInspector"))
    assert not broken(results)
    assert len(results.history) == 4
    assert "show.identifier.selects" in held(results)
    skipped = (
        "1 from a browser's cache, 1 of OPTIONS or HEAD, 1 of methods that the release does not "
        "have, 1 of other hosts or paths, 1 that were redirected, 1 without a response, 1 without "
        "a response body"
    )
    assert results.warnings == (
        "4 recorded exchanges were checked, and nothing was sent",
        f"skipped entries: {skipped}",
    )
    names = {name for each in results.history for name, _ in each.call.headers}
    assert names <= {"Authorization"}


def test_what_mitmproxy_writes(tmp_path: Path) -> None:
    """Compressed sizes, base64, a byte order mark; a request without its token is a violation."""
    recorder = mock_recorder()
    record = record_in(recorder)
    recorder.show(record["id"])
    recorder.call("GET", "webhook_requests/list", "entity=JOBS")
    put(recorder.entries[-1], text_of(recorder.entries[1]))
    for each in recorder.entries[:2]:
        content = each["response"]["content"]
        content["text"] = base64.b64encode(content["text"].encode()).decode()
        content |= {"encoding": "base64", "size": 80, "compression": 900}
        each["response"]["headers"].append({"name": "content-encoding", "value": "gzip"})
    results = judged(tmp_path, "\ufeff" + archive(recorder.entries))
    assert broken(results) == {"token.required"}
    assert {"show.identifier.selects", "login.token.returns_token"} <= held(results)


def test_what_is_cut_is_skipped(tmp_path: Path) -> None:
    """A body that is not whole is no broken JSON, and a login without its body has no password."""
    recorder = mock_recorder()
    record_in(recorder)
    recorder.list(entity="JOBS")
    recorder.login()
    content = recorder.entries[-2]["response"]["content"]
    content["text"] = content["text"][:500]
    del recorder.entries[-1]["request"]["postData"]
    results = judged(tmp_path, archive(recorder.entries))
    assert not broken(results)
    assert "1 with an incomplete request, 1 with an incomplete response" in str(results.warnings)


def test_gateways_are_not_the_api(tmp_path: Path) -> None:
    """What stands in front of a server answers for it when it is down, or asked too often."""
    recorder = mock_recorder()
    record_in(recorder)
    url = recorder.entries[-1]["request"]["url"]
    for status, text in ((429, "{}"), (502, "<html>"), (503, "{}"), (504, "")):
        recorder.entries.append(entry("GET", url, None, status, text))
    results = judged(tmp_path, archive(recorder.entries))
    assert not broken(results)
    assert "4 with a response of a gateway" in str(results.warnings)


# Several files, several servers.


def test_several_files_are_one_recording_in_the_order_of_time(tmp_path: Path) -> None:
    """The deletion is in the second file that is named, and what both have counts once."""
    recorder = mock_recorder()
    key = record_in(recorder)["id"]
    recorder.show(key)
    shown = text_of(recorder.entries[-1])
    recorder.change("delete", key)
    begin = list(recorder.entries)
    recorder.show(key)
    put(recorder.entries[-1], shown)
    end = recorder.entries[-2:]
    results = judged(tmp_path, archive(end), archive(begin))
    assert broken(results) == {"delete.gone"}
    assert [each.number for each in results.history] == [1, 2, 3, 4, 5]
    assert [each.call.method for each in results.history[-2:]] == ["delete", "show"]
    assert "1 that another file has, too" in str(results.warnings)
    assert results.target.name.endswith("0.har and 1 more")


def test_a_recording_of_several_servers_takes_a_base_url(tmp_path: Path) -> None:
    """They cannot be judged as one; hosts, ports and paths tell them apart."""
    recorder = mock_recorder()
    record_in(recorder)
    other = copy.deepcopy(recorder.entries)
    for each in other:
        each["request"]["url"] = each["request"]["url"].replace(HOST, "http://LOCALHOST:80/crm")
    text = archive([*recorder.entries, *other])
    with pytest.raises(OptionsError, match=r"several servers; .* http://localhost/crm/crmapi/"):
        judged(tmp_path, text)
    results = judged(tmp_path, text, base_url=f"http://localhost/crm{API_PATH}/")
    assert len(results.history) == 2
    assert "2 of other hosts or paths" in str(results.warnings)
    assert results.target.base_url == f"http://localhost/crm{API_PATH}"


def test_a_server_with_new_content_in_the_middle(tmp_path: Path) -> None:
    """A run on a mock of its own starts anew in between; its archive says where."""
    recorder = mock_recorder()
    key = record_in(recorder)["id"]
    shown = recorder.show(key)
    recorder.change("delete", key)
    recorder.show(key)
    put(recorder.entries[-1], shown)
    assert broken(judged(tmp_path, archive(recorder.entries, "crmcom-kit"))) == {"delete.gone"}
    recorder.entries[-1]["comment"] = f"5: show{recordings.ANEW}"
    results = judged(tmp_path, archive(recorder.entries, "crmcom-kit"))
    assert not broken(results)
    assert recordings.ANEW in "".join(har.written(Report(results)))


def test_organisations_are_not_mixed(tmp_path: Path) -> None:
    """Numbers of webhook requests are those of one organisation."""
    recorder = mock_recorder()
    record_in(recorder)
    recorder.login()
    sent = recorder.entries[-1]["request"]["postData"]
    sent["text"] = sent["text"].replace("CRMDEMO", "OTHER")
    with pytest.raises(OptionsError, match=r"several organisations log in.*: CRMDEMO, OTHER"):
        judged(tmp_path, archive(recorder.entries))


# Secrets that were removed, and those that were not.


@pytest.mark.parametrize(
    "shown", ["…", "...", "REDACTED", "[token redacted]", "***", "xxxxxxxxxxxx"]
)
@pytest.mark.parametrize("release", ["R10", "R12"])
def test_redacted_tokens_and_credentials_are_fine(tmp_path: Path, shown: str, release: str) -> None:
    """All tokens look alike: a released one, a wrong one, and the one after it."""
    recorder = mock_recorder(release)
    tokens = [recorder.token]
    key = record_in(recorder)["id"]
    recorder.call("POST", "authentication/token/release", "", {"token": recorder.token})
    recorder.show(key)
    recorder.login()
    tokens += [recorder.token, "5EC0DE0F5EC0DE0F5EC0DE0F5EC0DE0F"]
    recorder.token = tokens[-1]
    recorder.show(key)
    recorder.token = tokens[1]
    recorder.show(key)
    _key_login(recorder, shown)
    text = archive(recorder.entries)
    for each in (*tokens, "crmcom-kit"):
        text = text.replace(each, json.dumps(shown)[1:-1])
    results = judged(tmp_path, text, release=release)
    assert not broken(results)
    assert "show.identifier.selects" in held(results)
    _resent_again(recorder)
    text = archive(recorder.entries).replace(tokens[1], shown)
    assert broken(judged(tmp_path, text, release=release)) == {"resend.only_rejected"}


def _key_login(recorder: Recorder, shown: str) -> None:
    login = own_mock("R10").login
    basic = base64.b64encode(f"{login.api_key}:".encode()).decode()
    path = "authentication/web_api_key/token"
    recorder.call("POST", path, "", None, ("Authorization", f"Basic {basic}"))
    recorder.entries[-1]["request"]["headers"][-1]["value"] = f"Basic {shown}"


def test_tokens_that_were_taken_out_are_no_missing_tokens(tmp_path: Path) -> None:
    """If no request has a token, they were removed from the recording."""
    recorder = mock_recorder()
    record_in(recorder)
    recorder.entries[-1]["request"]["url"] = f"{HOST}{API_PATH}/webhook_requests/list?entity=JOBS"
    assert not broken(judged(tmp_path, archive(recorder.entries)))


def test_what_stands_for_a_token() -> None:
    """Tokens of every form that the documents show are tokens."""
    for text in ("", "…", "REDACTED", "$CRMCOM_TOKEN", "<token>", "0" * 32, "eyJh.eyJi."):
        assert is_placeholder(text), text
    for text in ("5EC0DE0F" * 4, "1234567890", "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIx.c2lnbmF0dXJl"):
        assert not is_placeholder(text), text


def test_no_report_shows_a_secret_of_the_recording(tmp_path: Path) -> None:
    """Tokens are hidden wherever they stand, passwords and keys as well."""
    recorder = mock_recorder("R10")
    _key_login(recorder, base64.b64encode(b"KEY-31415926:").decode())
    record_in(recorder)
    sent = recorder.entries[0]["request"]["postData"]
    sent["text"] = sent["text"].replace("crmcom-kit", "Secret-31415926")
    _filter(recorder)
    envelope = text_of(recorder.entries[-1])
    envelope["status"]["message"] = f"{recorder.token} of Secret-31415926 KEY-31415926"
    put(recorder.entries[-1], envelope)
    results = judged(tmp_path, archive(recorder.entries), release="R10")
    assert broken(results) == {"list.life_cycle_state.filter"}
    report = Report(results)
    written = [report.as_json(), html.written(report), "".join(har.written(report))]
    for text in (*written, junit.written(report).decode()):
        for secret in (recorder.token, "Secret-31415926", "KEY-31415926", "S0VZLTMxNDE1OTI2"):
            assert secret not in text


# What is said of it.


def test_what_the_recording_does_not_show_and_what_it_teaches(tmp_path: Path) -> None:
    """Statements without evidence say so truly; the dialect is learned, errors included."""
    recorder = mock_recorder()
    record_in(recorder)
    recorder.get("list")
    results = judged(tmp_path, archive(recorder.entries))
    by_id = {each.statement.id: each for each in results.statements}
    assert by_id["delete.gone"].why == NOTHING_SHOWN
    assert by_id["methods.known"].why == by_id["methods.known"].statement.unchecked
    assert set(results.findings.choices) >= {
        "envelope.content_type",
        "errors.code.no_semi_optional",
        "errors.status.no_semi_optional",
    }


def test_only_what_is_asked_for(tmp_path: Path) -> None:
    """A recording that shows nothing of it has failed, not passed."""
    recorder = mock_recorder()
    record_in(recorder)
    results = judged(tmp_path, archive(recorder.entries), only="delete.*")
    assert results.exit_code == 2
    assert results.trouble == "no request in the recording tests any of the selected statements"
    assert judged(tmp_path, archive(recorder.entries), only="list.*").exit_code == 0


def test_an_error_of_a_check_is_an_error_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no verdict on the server."""
    from crmcom_kit.contract_tests.checks.lists import Lists

    def fail(*_: Any) -> Iterator[str]:
        raise ZeroDivisionError

    recorder = mock_recorder()
    record_in(recorder)
    monkeypatch.setattr(Lists, "check", fail)
    results = judged(tmp_path, archive(recorder.entries))
    assert results.exit_code == 2
    assert "the check lists: ZeroDivisionError" in str(results.trouble)


def test_files_are_bounded_and_their_order_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries are judged by their times; more than fits into memory is refused."""
    recorder = mock_recorder()
    _deleted_is_shown(recorder)
    random.Random(1).shuffle(recorder.entries)
    assert broken(judged(tmp_path, archive(recorder.entries))) == {"delete.gone"}
    monkeypatch.setattr(recordings, "MAX_BYTES", 1000)
    with pytest.raises(OptionsError, match=r"more than 0 MB; check .* on its own, or in parts"):
        judged(tmp_path, archive(recorder.entries))


# What cannot be done.


def test_files_that_are_no_recordings(tmp_path: Path) -> None:
    """One line says what is wrong with which file."""
    page = archive([entry("GET", "https://app.example.com/", None, 200, "<html>")])
    cases = {
        "": "is not valid JSON",
        "{": "is not valid JSON",
        '{"log": {"entries": [{"a": 1}': "is not valid JSON",
        "\x00\xff": "is not valid JSON",
        "[]": "is not a HAR file: it has no log.entries",
        '{"log": {"entries": {}}}': "is not a HAR file: it has no log.entries",
        archive([]): "concerns the API: no response to a request with /crmapi/rest/v2 in its URL",
        archive([1, None, {}, {"request": []}]): "skipped: 4 that cannot be read",
        page: "skipped: 1 of other hosts or paths",
    }
    for text, expected in cases.items():
        with pytest.raises(OptionsError) as caught:
            judged(tmp_path, text)
        assert str(caught.value).startswith("--from-har: ")
        assert expected in str(caught.value), text
        assert "\n" not in str(caught.value)
    for path in (tmp_path, tmp_path / "none.har"):
        with pytest.raises(OptionsError, match=r"--from-har: cannot read .*"):
            prepared(values(from_har=(str(path),)), now=NOW)


def test_options_that_make_no_sense_beside_it() -> None:
    """All that is about requests to be sent."""
    given = {
        "allow": "resend",
        "token": "T",
        "username": "ann",
        "api_key": "K",
        "dry_run": True,
        "max_requests": 5,
        "rate": 1.0,
        "timeout": 5.0,
        "seed": 1,
        "admin_token": "A",
        "ledger": "l.jsonl",
        "all_records": True,
        "only_number": ("7",),
        "secret_key": ("A=B",),
        "dialect": "bulk",
    }
    for name, value in given.items():
        option = name.replace("_", "-")
        with pytest.raises(OptionsError, match=f"--{option} is not allowed with --from-har"):
            prepared(values(from_har=("x.har",), **{name: value}), now=NOW)


def check(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CRMCOM_")}
    return subprocess.run(
        [sys.executable, "-m", "crmcom_kit", "check", *arguments],
        cwd=folder,
        env={**clean, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command(tmp_path: Path) -> None:
    """Exit codes, reports, and an environment that is about another server."""
    recorder = mock_recorder()
    _filter(recorder)
    (tmp_path / "a.har").write_text(archive(recorder.entries))
    variables = {"CRMCOM_BASE_URL": "https://other.example.com", "CRMCOM_TOKEN": "T"}
    outputs = [
        "--json",
        "a.json",
        "--dialect-out",
        "a.toml",
        "--junit",
        "a.xml",
        "--html",
        "a.html",
    ]
    done = check(tmp_path, "--from-har", "a.har", *outputs, **variables)
    assert done.returncode == 1, done.stderr
    assert "✗ list.life_cycle_state.filter" in done.stdout
    assert "2 recorded exchanges were checked, and nothing was sent" in done.stdout
    assert all((tmp_path / name).stat().st_size for name in outputs[1::2])
    options = json.loads((tmp_path / "a.json").read_text())["run"]["options"]
    assert options == {"from-har": ["a.har"]}
    for arguments in (["--har", "a.har"], ["--token", "T"], ["--from-har", "none.har"]):
        done = check(tmp_path, "--from-har", "a.har", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"Error: {arguments[0]}")
        assert done.stderr.count("\n") == 1


# Another server.


@pytest.mark.parametrize("seed", range(12))
def test_legal_servers_give_no_alarm(tmp_path: Path, seed: int) -> None:
    """The stand-in with choices at random, others at work, and tokens redacted or not."""
    server = pytest.importorskip("stand_in.server")
    legal = pytest.importorskip("stand_in.legal")
    choices, release = legal.random_choices(seed)
    app = server.StandIn(choices, release, seed)

    def ask(verb: str, path: str, query: str, body: bytes | None, headers: Any) -> Answer:
        request = server.reading.Request(verb, path, query, dict(headers), body or b"")
        reply = app.handle(request)
        return reply.status, [("Content-Type", reply.content_type)], reply.body

    login = {"username": server.USERNAME, "password": server.PASSWORD}
    recorder = Recorder(ask, {**login, "organisation": server.ORGANISATION})
    recorder.login()
    tokens = [recorder.token]
    walk(recorder, random.Random(seed), [*app.records.values()], tokens)
    text = archive(recorder.entries, "WebInspector" if seed % 3 else "mitmproxy")
    for token in tokens if seed % 2 else ():
        text = text.replace(token, "REDACTED")
    assert not broken(judged(tmp_path, text, release=release))


def walk(recorder: Recorder, chance: random.Random, records: Any, tokens: list[str]) -> None:
    """Ask this and that, as a client that knows some webhook requests."""
    for _ in range(100):
        record = chance.choice(records)
        match chance.choice(("list", "list", "show", "show", "show", "resend", "delete", "login")):
            case "list":
                state = chance.choice(("REJECTED", "SUCCESSFUL"))
                more = chance.choice(({}, {"life_cycle_state": state}, {"fields_set": "id,number"}))
                recorder.get("list", entity=record.entity, **more)
            case "show":
                recorder.show(record.id, **chance.choice(({}, {}, {"fields_set": "id,url"})))
            case "login":
                recorder.login()
                tokens.append(recorder.token)
            case method:
                recorder.change(method, record.id)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"])
def test_a_moment_that_no_calendar_has_is_none(tmp_path: Path, moment: str) -> None:
    """In UTC there is no such date: the recording began when nobody knows."""
    recorder = mock_recorder()
    recorder.entries[0]["startedDateTime"] = moment

    results = judged(tmp_path, archive(recorder.entries))

    assert results.began == "1970-01-01T00:00:00+00:00"


def test_a_query_may_hold_half_a_character(tmp_path: Path) -> None:
    """Where it stands apart from its URL it is read as it is."""
    recorder = mock_recorder()
    recorder.list(entity="JOBS")
    request = recorder.entries[-1]["request"]
    request["url"] = request["url"].partition("?")[0]
    request["queryString"] = [{"name": "entity", "value": "\ud800"}]

    results = judged(tmp_path, archive(recorder.entries))

    assert "entity=%ED%A0%80" in results.history[-1].call.query
