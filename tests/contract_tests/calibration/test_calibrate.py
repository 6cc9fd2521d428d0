"""Calibration: what a run learns of a server, and how alike a mock with its profile is then."""

import json
import re
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
from helpers.sound_servers import checked
from sound_server.choices import Choices
from sound_server.reading import Refusal
from sound_server.server import SoundServer

from crmcom_kit.contract_tests.calibration.calibrate import (
    Calibration,
    ProfileFiles,
    compare,
    learn_profile,
    profile_files,
)
from crmcom_kit.contract_tests.calibration.calibrate_command import notes_on_responses
from crmcom_kit.contract_tests.calibration.comparing import Comparison, Difference
from crmcom_kit.contract_tests.calibration.diff_command import with_profile
from crmcom_kit.contract_tests.calibration.learned import Grade
from crmcom_kit.contract_tests.calibration.learning import log_of
from crmcom_kit.contract_tests.calibration.pseudonyms import Pseudonyms, free_texts
from crmcom_kit.contract_tests.calibration.replaying import MockReplayer
from crmcom_kit.contract_tests.calibration.report import Tally, dial_rows
from crmcom_kit.contract_tests.client.calls import changing_method
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.targets import DirectMock, Login, MockReply
from crmcom_kit.contract_tests.client.wording import outcome
from crmcom_kit.contract_tests.options.scope import Scope
from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.schemas.releases import resolve

#: Choices of the sound server, each with the dial that has to be learned from it, and its value.
CHOICES: tuple[tuple[str, Any, str, Any], ...] = (
    ("error_http", "by_kind", "errors.unknown_webhook_request.status", 404),
    ("error_description", "null", "errors.description", "null"),
    ("error_data", "null", "errors.data", "null"),
    ("check_order", "parameters_first", "errors.token_first", False),
    ("url_match", "prefix", "list.url.match", "prefix"),
    ("empty_list", "absent", "list.empty", "absent"),
    ("id_always", True, "fields_set.always_id", True),
    ("page_zero", "all", "paging.zero", "all"),
    ("page_maximum", 20, "paging.maximum_results", 20),
    ("repeated_parameter", "last", "requests.repeated_parameters", "last"),
    ("unset_members", "absent", "record.unset_members", "absent"),
    ("delete_touches_log", True, "delete.updates_log", True),
    ("number_as_json_number", "accepted", "identifiers.json_number", True),
)
DIALS = {dial: value for _, _, dial, value in CHOICES}
OTHERS: dict[str, Any] = {"order": "newest", "resend_new_request": True, "more_members": "fixed"}
#: Some dials are settled only once others are, by what comes late in a run.
BUDGET = Limits(max_requests=800)


class ServesAnyEntity(SoundServer):
    """Serves what every mock refuses, whatever its dials are."""

    def run(self, call: Any) -> Any:
        try:
            return super().run(call)
        except Refusal as refusal:
            if refusal.kind == "bad_entity":
                return []
            raise


@pytest.fixture(scope="module")
def server() -> SoundServer:
    """A server that makes many choices of its own."""
    choices = {name: choice for name, choice, _, _ in CHOICES}
    return ServesAnyEntity(replace(Choices(), **choices, **OTHERS), "R13", 5)


@pytest.fixture(scope="module")
def calibration(server: SoundServer) -> Calibration:
    """What a run learns of it."""
    return learn_profile(checked(server, limits=BUDGET))


@pytest.fixture
def start(calibration: Calibration) -> Results:
    """The beginning of that run, of which learning is quicker."""
    return replace(calibration.results, history=calibration.results.history[:250])


def with_content(exchange: Exchange, content: bytes) -> Exchange:
    """Return an exchange with another body."""
    return Exchange(exchange.number, exchange.call, exchange.status, exchange.headers, content, 0)


def test_choices_become_dials(calibration: Calibration) -> None:
    dialect = calibration.profile.dialect

    assert {key: dialect[key] for key in DIALS} == DIALS
    assert not DIALS.keys() & calibration.profile.unsettled.keys()
    assert calibration.learned["list.url.match"].evidence.endswith("GET list)")
    cases = {case["kind"]: case.get("served") for case in dialect["envelope.cases"]}
    assert cases["unsupported_entity"] == "empty"


def test_the_mock_responds_alike_also_to_requests_that_it_did_not_learn_from(
    server: SoundServer, calibration: Calibration
) -> None:
    """At most 2 % of documented requests differ: of the run, and of another one after it."""
    assert calibration.comparisons.documented.compared > 500
    assert calibration.comparisons.documented.share <= 0.02
    fresh = checked(server, seed=8, limits=Limits(max_requests=150))
    first = calibration.log.exchanges[-1].number + 1
    later = (exchange.changed(number=at) for at, exchange in enumerate(fresh.history, first))
    whole = log_of(replace(fresh, history=(*calibration.results.history, *later)))
    log = replace(whole, world=calibration.log.world, first_seen=calibration.log.first_seen)

    compared = compare(log, replace(calibration.profile, differs={}))

    assert compared.documented.share <= 0.02, [*compared.lines()]


def test_the_world_is_as_it_was_before_the_run(calibration: Calibration) -> None:
    """Webhook requests that the run changed or deleted are in it, with all their members."""
    world = [
        each["webhook_request"]["record"]
        for each in calibration.log.world
        if "webhook_request" in each
    ]
    changed = [e for e in calibration.log.exchanges if e.ok and changing_method(e.call) is not None]

    assert changed
    assert {e.data["id"] for e in changed if "id" in e.data} <= {each["id"] for each in world}
    rejected = {each["id"] for each in world if each["life_cycle_state"] == "REJECTED"}
    resent = {e.data["id"] for e in changed if e.call.method == "resend" and "id" in e.data}
    assert resent <= rejected
    assert all("x_new" in each for each in world)


@pytest.fixture(scope="module")
def files(calibration: Calibration) -> list[ProfileFiles]:
    """The files of its profile, with personal data and without."""
    return [profile_files(calibration, keep_personal_data=keep) for keep in (True, False)]


def test_a_profile_names_no_person_or_host(
    calibration: Calibration, files: list[ProfileFiles]
) -> None:
    """Names, user names, e-mail addresses and hosts are others; nothing secret is in any file."""
    kept, without = (each.texts for each in files)

    for name in ("MPAdministrator", "mpadministrator@example.com", "hooks.example.com"):
        assert name in kept["world.jsonl"]
        assert name not in without["world.jsonl"]
    assert set(kept) == {
        "profile.toml", "dialect.toml", "world.jsonl", "report.json", "report.html",
    }  # fmt: skip
    tokens = [
        e.data["token"] for e in calibration.log.exchanges if e.ok and e.call.method == "token"
    ]
    for text in (*kept.values(), *without.values()):
        assert not [secret for secret in (*tokens, "Winter-2016") if secret in text]
    shared = json.loads(without["report.json"])
    ids = [each["id"] for each in calibration.log.first_seen.values()]
    assert not [key for key in ids if key in without["report.json"]]
    assert shared["settled"]["list.url.match"]["value"] == "prefix"


def test_a_kind_of_error_is_one_row_of_the_report() -> None:
    """Its dials stand together, each with its evidence; others have rows of their own, before."""
    learned: dict[str, dict[str, Any]] = {
        "errors.not_rejected.status": {"value": 409, "evidence": "observed twice"},
        "list.empty": {"value": "null", "evidence": "observed once"},
        "errors.not_rejected.code": {"value": "E.7", "evidence": "observed 3 times"},
    }
    assert [*dial_rows(learned)] == [
        ("list.empty", "null", "observed once"),
        (
            "errors.not_rejected",
            'status = 409, code = "E.7"',
            "status: observed twice; code: observed 3 times",
        ),
    ]


def test_one_person_has_one_name() -> None:
    person = {"person_name": "Ann Lee-Price", "username": "alee", "email": "ann.lee@corp.example"}
    urls = "https://user@int.corp.example:8443/in?x=1", "http://[2001:db8::1]:80/x"
    text = f"to ann.lee@corp.example at {urls[0]}, {urls[1]}: unknown host Int.Corp.Example:80"
    about = {"name": "Hook of ann lee-Price", "text": "Lee-Price's Leeway", "first_name": "Ann"}

    found = Pseudonyms().replaced_everywhere([about, person, [person, text], {"id": "Ann"}])

    about, first, again, alone = found
    given, family = first["person_name"].split()
    assert about["name"] == f"Hook of {given} {family}"
    assert about["text"] == f"{family}'s Leeway"  # what is no whole word stays
    assert " " not in about["first_name"]
    assert again[0] == first
    assert first["email"] in again[1]
    assert ":8443/in?x=1, http://host" in again[1]
    assert ".example.com:80/x: unknown host host" in again[1]
    assert not [each for each in ("lee-", "corp", "2001") if each in json.dumps(found).lower()]
    assert alone == {"id": "Ann"}
    people = [{"person_name": "Ute Strauß"}, {"person_name": "Jo Alii"}]
    found = Pseudonyms().replaced_everywhere([*people, {"text": "Strauß, Al\u0131\u0131"}])
    assert "Strauß" not in found[2]["text"]


def test_free_texts_are_counted(files: list[ProfileFiles]) -> None:
    """Those of several words, each once; not those of members that name people, which are gone."""
    texts = ["Call Ann Lee", "Call Ann Lee", "Timeout", "2016-01-01 10:00", "No. 7"]
    world = [{"person_name": "Ann Lee", "entity": "JOBS"}, {"a": texts}, {"b": {"c": "to Bo"}}]

    assert free_texts(world) == 2
    kept, without = (each.free_texts for each in files)
    assert (kept, without > 0) == (0, True)


def test_user_names_are_replaced_in_texts_as_well() -> None:
    """So is what an e-mail address begins with; no entity and no name that requests use is."""
    jobs = {"person_name": "Al Jobs", "username": "ajobs", "email": "al.jobs@corp.example"}

    person, found = Pseudonyms().replaced_everywhere(
        [
            jobs,
            {"entity": "JOBS", "name": "Of ajobs", "text": "by ajobs", "url": "http://h/al.jobs"},
        ]
    )

    assert (found["entity"], found["name"]) == ("JOBS", "Of ajobs")
    assert found["text"] == f"by {person['username']}"
    assert found["url"].endswith(f"/{person['email'].partition('@')[0]}")


def test_a_server_may_show_what_it_likes(start: Results) -> None:
    secret = str(start.target.login.password)
    text = f"by {secret} at https://h.example.com/x?k=hush-0123"
    odd = {"url": {"of": "x"}, "log_information": "x", "error_description": text}
    odd["request"] = {"api_token": "S3cr3t-T0k3n"}
    changed = []
    for each in start.history:
        content = each.content
        if each.ok and each.call.method == "list" and each.records:
            records = [{**record, **odd} for record in each.records]
            content = json.dumps({**each.envelope, "data": records}).encode()
        changed.append(with_content(each, content))

    odd_one = learn_profile(replace(start, history=tuple(changed)), is_time_up=lambda: True)

    written = profile_files(odd_one, keep_personal_data=True).texts["world.jsonl"]
    assert '"log_information":"x"' in written
    assert secret not in written
    assert "hush-0123" not in written
    assert re.search(r"\?k=\$CRMCOM_URL_\d", written)
    assert "S3cr3t-T0k3n" not in written


def test_a_contradiction_is_not_settled(calibration: Calibration, start: Results) -> None:
    """Two codes for one kind of refusal: both are named, with how often each was seen."""
    dial = "errors.unknown_webhook_request.code"
    code, history = calibration.learned[dial].values[0], []
    turn = cycle((code, code, "E.7"))
    for each in start.history:
        seen = next(turn) if each.code == code else ""
        content = each.content.replace(code.encode(), seen.encode()) if seen else each.content
        history.append(with_content(each, content))

    split = learn_profile(replace(start, history=tuple(history)), is_time_up=lambda: True)

    assert split.profile.unsettled[dial] == [code, "E.7"]
    evidence = split.learned[dial].evidence
    found = re.search(r'contradictory: "(.*)" (\d+) times, "E.7" (\d+) times', evidence)
    assert found is not None
    assert found[1] == code
    assert int(found[2]) > int(found[3]) > 1
    written = profile_files(split, keep_personal_data=True).texts
    assert f"unknown_webhook_request.code: {evidence}" in " ".join(
        written["dialect.toml"].split("\n#   ")
    )
    report = json.loads(written["report.json"])
    assert dial not in report["settled"]
    assert report["unsettled"][dial]["evidence"] == evidence


def test_when_the_time_is_over_what_was_learned_counts(start: Results) -> None:
    asked = iter(range(500))

    cut = learn_profile(start, is_time_up=lambda: next(asked, None) is None)

    assert 0 < len(cut.untried_dials) < len(cut.learned)
    assert {*cut.untried_dials} <= cut.profile.unsettled.keys()
    report = profile_files(cut, keep_personal_data=True).texts["report.json"]
    assert json.loads(report)["cut_short"] is True


def test_a_recording_counts_before_requests(server: SoundServer, start: Results) -> None:
    """What it has shown is learned; the world is the one that the requests have met."""
    few: dict[str, Any] = {"limits": Limits(max_requests=40), "allowed": frozenset()}
    alone, again = (learn_profile(checked(server, **few), is_time_up=lambda: True) for _ in "12")

    both = learn_profile(again.results, start, is_time_up=lambda: True)

    assert alone.profile.derived == {"resend"}  # it has seen no change
    codes = [{dial for dial in each.learned if dial.endswith(".code")} for each in (alone, both)]
    assert codes[0] < codes[1]
    assert both.log.world == alone.log.world
    numbers = [each.number for each in both.results.history]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers[-1] > start.history[-1].number


def test_unusable_responses_are_noted(calibration: Calibration) -> None:
    """They have no envelope, or tokens that the release does not have, or show no order."""
    login = Call("token", "POST", "authentication/token")
    log = replace(
        calibration.log,
        release=resolve("R9"),
        exchanges=[bare("?"), reply({"token": "a.b.c"}, login)],
    )

    order = calibration.learned["list.order"]._replace(grade=Grade.DERIVED, reason="unclear")
    learned = {**calibration.learned, "list.order": order}

    notes = [*notes_on_responses(replace(calibration, log=log, learned=learned))]

    assert "list.order: derived (unclear)" in notes
    assert [note for note in notes if note.startswith("1 of 2 responses have no status with code")]
    assert [note for note in notes if "JSON Web Tokens" in note and "R9.0.0" in note]
    assert not [
        *notes_on_responses(replace(calibration, log=replace(log, exchanges=[reply(None)])))
    ]


def test_a_page_that_was_seen_once_is_tried(calibration: Calibration) -> None:
    """The longest list may be cut, however few lists there are."""
    lists = (
        e for e in calibration.results.history if e.ok and e.call.method == "list" and e.records
    )
    page = next(lists)

    alone = learn_profile(replace(calibration.results, history=(page,)), is_time_up=lambda: True)

    assert alone.profile.unsettled["paging.default_results"] == [0, len(page.records)]


# Comparing.


def reply(
    data: Any, call: Call | None = None, code: str | None = "OK", status: int = 200
) -> Exchange:
    """Return an exchange of show, or of another call."""
    envelope = {"status": {"code": code, "message": "", "description": ""}, "data": data}
    content = json.dumps(envelope).encode()
    return Exchange(1, call or Call("show", "GET", "webhook_requests/show"), status, (), content, 0)


def bare(status: Any) -> Exchange:
    """An exchange of show with a status, and nothing else."""
    whole = reply(None)
    content = json.dumps({"status": status}).encode()
    return Exchange(1, whole.call, 200, (), content, 0)


LIST = Call("list", "GET", "webhook_requests/list")
BEFORE = {"id": "1", "request": "A", "response": "A", "log_information": {"updated_date": None}}


def with_new(date: str, request: str, response: str) -> dict[str, Any]:
    """The webhook request after a resend."""
    log = {"updated_date": date}
    return {**BEFORE, "request": request, "response": response, "log_information": log}


RESENT = reply(with_new("2016", "B", "B"))
NUMBERED = {"url": "a", "number": "1"}, {"url": "b", "number": "2"}
#: Two responses, and what differs in them.
COMPARED: list[tuple[Exchange, Exchange, Any]] = [
    (RESENT, reply(with_new("2017", "C", "C")), []),
    (RESENT, reply(BEFORE), 3),
    (RESENT, reply(with_new("2016", "C", "D")), 1),
    (reply(BEFORE), reply(None, code="E"), ["served or refused"]),
    (reply(None, code="E"), reply(None, code="F"), ["code of a refusal"]),
    (bare({"code": "OK"}), reply(BEFORE), ["no envelope"]),
    (reply(None, code="E", status=400), reply(None, code="E"), ["HTTP status of a refusal"]),
    (reply([], LIST), reply(None, LIST), ["an empty list"]),
    (reply([{"id": "1"}, {"id": "2"}], LIST), reply([{"id": "2"}, {"id": "1"}], LIST),
     ["the order of a list"]),
    (reply([{"id": "1"}], LIST), reply([{"id": "2"}], LIST), ["which are listed"]),
    (reply([{"id": "1"}], LIST), reply([], LIST), ["how many are listed"]),
    (reply([NUMBERED[0]], LIST), reply([NUMBERED[1]], LIST), ["what a list without ids shows"]),
    (reply({"id": "1", "x": 1}), reply({"id": "1", "x": 2}), []),
    (reply({"id": "9", "url": "a"}), reply({"id": "9", "url": "b"}), []),
    (reply(None, code="T"), reply(BEFORE), ["a token that had ended"]),
]  # fmt: skip


def test_two_responses_are_compared() -> None:
    """New values are alike, and so is what others change; each other difference has its name."""
    for first, second, differences in COMPARED:
        comparison = Comparison({"1": BEFORE}, {"9"}, (200, "T"))
        aspects = [each.aspect for each in comparison.differences(first, second)]
        assert (len(aspects) if isinstance(differences, int) else aspects) == differences
    (shorter,) = Comparison().differences(reply([NUMBERED[0]], LIST), reply([*NUMBERED], LIST))
    assert shorter.aspect == "how many are listed"


def test_differences_have_no_words_of_python() -> None:
    """A missing code has words, and values are those of JSON."""
    nothing, uncoded = reply(None, LIST), reply(None, code=None, status=404)
    empty, other = Comparison().differences(reply([], LIST), nothing)[0], outcome(uncoded)
    refused = Comparison().differences(reply(None, code="E", status=404), uncoded)[0]

    assert (empty.second, other, refused.second) == ("null", *["HTTP 404, no code"] * 2)


def test_a_difference_names_what_an_envelope_lacks() -> None:
    for status, lacking in (
        ({"code": "OK"}, "a status without message and description"),
        ("a secret", "a status that is a string"),
    ):
        (difference,) = Comparison().differences(bare(status), reply(BEFORE))
        assert difference == Difference("no envelope", f"HTTP 200, {lacking}", "served")


def test_a_webhook_request_that_differs_is_counted_once(calibration: Calibration) -> None:
    """It would differ in each response that shows it; and not at all if a profile says so."""
    served = [each for each in calibration.log.exchanges if each.ok]
    login, shown = (
        next(each for each in served if each.call.method == method) for method in ("token", "show")
    )
    shown = with_content(shown, shown.content.replace(b'"url":', b'"url": "" ,"was":'))
    log = replace(calibration.log, exchanges=[login, shown, shown])
    profile = replace(calibration.profile, differs={})

    compared = compare(log, profile)
    again = compare(log, replace(profile, differs=compared.kinds))

    assert compared.documented == Tally(compared=3, otherwise=1)
    assert again.documented == Tally(compared=3, as_profile=1)
    assert any("as the profile says" in line for line in again.lines())
    kind = "member url (the server: empty; the other: a text)"
    known = compare(log, replace(profile, differs={"show": {kind: "1 of 2"}}))
    assert known.documented == Tally(compared=3, as_profile=1)
    assert [each.title for each in known.ranked_groups()] == [
        "show: member url, 1 time, as the profile says (then 1 of 2)"
    ]


def test_a_definition_outlasts_its_webhook_requests() -> None:
    """A run by a scope whose webhook requests calibrate has deleted asks for it all the same."""
    scope = Scope(definition="Gone", numbers=frozenset())
    app = SoundServer(replace(Choices(), unknown_definition="empty"), "R9", 1)
    results = checked(app, scope=scope, limits=Limits(max_requests=60))
    profile = learn_profile(results, is_time_up=lambda: True).profile
    gone = {"webhook_definition": {"id": "D" * 32, "name": "Gone"}}

    for world, count in (([], 1), ([gone], 0)):
        compared = with_profile(results, replace(profile, world=world, differs={}))
        refused = [each for each in compared.groups.values() if "refused" in each.kind]
        assert sum("name=Gone" in each.exchange.call.query for each in refused) == count


def test_the_mock_gets_its_own_tokens(
    calibration: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever characters those of the server have, and however a query has them written."""
    sent: list[Call] = []
    respond = DirectMock.call

    def call(mock: DirectMock, call: Call) -> MockReply:
        sent.append(call)
        return respond(mock, call)

    monkeypatch.setattr(DirectMock, "call", call)
    replayer = MockReplayer(calibration.profile, Login(), calibration.log.began)
    login = replayer.respond(reply({"token": "a/1"}, Call("token", "POST", "authentication/token")))
    for token in ("a/1", "a%2F1"):
        headers = (("Authorization", f"Bearer {token}"),)
        replayer.respond(reply([], replace(LIST, query=f"token={token}&x=1", headers=headers)))

    token_of_mock = login.data["token"]
    assert [each.query for each in sent[1:]] == [f"token={token_of_mock}&x=1"] * 2
    assert sent[1].headers == (("Authorization", f"Bearer {token_of_mock}"),)
