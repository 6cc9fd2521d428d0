"""The client of recorded traffic is judged: what the documents refuse is its mistake."""

import html
import json
from base64 import b64encode
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from helpers.conversations import exchange, request
from helpers.recordings import (
    DONE,
    HOST,
    IDENTIFIER,
    LOGIN,
    ONE,
    OTHER_TOKEN,
    TOKEN,
    Entry,
    archive,
    changed,
    checked,
    entry,
    listed,
    login,
    ok,
    record,
    refused,
    said,
    show,
)
from helpers.reports import all_reports
from jsonschema import Draft202012Validator

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.tokens import KnownTokens
from crmcom_kit.contract_tests.oracle.client_mistakes import RemarkKind, remarks
from crmcom_kit.contract_tests.recorded import client_checker
from crmcom_kit.contract_tests.recorded.reading import RecordingError
from crmcom_kit.contract_tests.reports.report import SCHEMA, Report
from crmcom_kit.contract_tests.run.results import Outcome, Results
from crmcom_kit.schemas import resolve

SHOW, LIST, RESEND = (f"webhook_requests/{name}?token=T" for name in ("show", "list", "resend"))
TOKENLESS = LIST.partition("?")[0]
NUMBER = f"{IDENTIFIER}=number=7"
RULE = "workflow_rule_identifier"


def post(method: str, **members: Any) -> Entry:
    """Return a POST with a token."""
    return request("POST", f"webhook_requests/{method}", json.dumps({"token": "T", **members}))


def get(text: str) -> Entry:
    """Return a GET as it stands."""
    return request("GET", text)


def token(**members: Any) -> Entry:
    """Return a login."""
    return request("POST", "authentication/token", json.dumps(members))


def by_key(text: str) -> Entry:
    """Return a login by what HTTP Basic authentication encodes."""
    coded = b64encode(text.encode()).decode()
    return request("POST", "authentication/web_api_key/token", Authorization=f"Basic {coded}")


def judged(made: Entry, release: str = "R13") -> list[str]:
    """Return statements of the mistakes in a request, and of its notes behind a question mark."""
    all_remarks = remarks(
        exchange(made).call, Belief(resolve(release), KnownTokens(sees_logins=False))
    )
    return [f"{'?' * (remark.kind is RemarkKind.NOTE)}{remark.statement}" for remark in all_remarks]


MISTAKES: dict[str, tuple[Entry, str]] = {
    "another verb": (request("POST", f"{SHOW}&{NUMBER}"), "methods.verb"),
    "a verb that no method has": (request("DELETE", f"{RESEND}&{NUMBER}"), "methods.verb"),
    "another verb, and no JSON": (request("POST", SHOW, "{"), "methods.verb"),
    "a misspelled path": (get(f"webhook_request/show?token=T&{NUMBER}"), "methods.known"),
    "a method that there is not": (get("webhook_requests/count?token=T"), "methods.known"),
    "a refresh of a token": (
        request("POST", "authentication/token/refresh", "{}"),
        "methods.known",
    ),
    "no filter but an optional one": (get(f"{LIST}&url=x"), "list.semi_optional.at_least_one"),
    "no identifier": (get(SHOW), "parameters.mandatory"),
    "a number beside the identifier's place": (
        post("delete", number="7"),
        "?parameters.known, parameters.mandatory",
    ),
    "no token": (get(f"{TOKENLESS}?entity=JOBS"), "token.required"),
    "an empty token": (get(f"{TOKENLESS}?token=&entity=JOBS"), "token.required"),
    "a token that is no text": (
        request(
            "POST", "webhook_requests/delete", f'{{"token": 5, "{IDENTIFIER}": {{"id": "A"}}}}'
        ),
        "parameters.values",
    ),
    "the token in a header": (
        request("GET", f"{TOKENLESS}?entity=JOBS", Authorization="Bearer T"),
        "token.required",
    ),
    "the token of a POST in the query": (
        request("POST", RESEND, f'{{"{IDENTIFIER}": {{"number": "7"}}}}'),
        "token.required",
    ),
    "the token of a GET in the body": (
        request("GET", f"{TOKENLESS}?entity=JOBS", '{"token": "T"}'),
        "token.required",
    ),
    "a misspelled filter": (get(f"{LIST}&entitty=JOBS"), "parameters.known"),
    "a filter in camel case": (
        get(f"{LIST}&entity=JOBS&lifeCycleState=REJECTED"),
        "parameters.known",
    ),
    "an identifier's name cut": (get(f"{SHOW}&webhook_identifier=number=7"), "parameters.known"),
    "an American login": (token(username="a", password="b", organization="c"), "parameters.known"),
    "a bare identifier": (get(f"{SHOW}&{IDENTIFIER}=7"), "parameters.identifier_in_query"),
    "a bare rule": (get(f"{LIST}&{RULE}=7"), "parameters.identifier_in_query"),
    "an identifier as in a query": (
        post("resend", **{IDENTIFIER: "number=7"}),
        "parameters.identifier_in_body",
    ),
    "an identifier in an array": (
        post("resend", **{IDENTIFIER: [{"number": "7"}]}),
        "parameters.identifier_in_body",
    ),
    "an identifier of another field": (get(f"{SHOW}&{IDENTIFIER}=nr=7"), "identifier.fields"),
    "an empty identifier": (post("delete", **{IDENTIFIER: {}}), "identifier.mandatory"),
    "an identifier that is a truth value": (
        post("delete", **{IDENTIFIER: {"id": True}}),
        "parameters.values",
    ),
    "two identifiers": (
        post("delete", **{IDENTIFIER: {"id": "A", "number": "7"}}),
        "identifier.exactly_one",
    ),
    "two identifiers in a query": (
        get(f"{SHOW}&{IDENTIFIER}=id=A,number=7"),
        "identifier.exactly_one",
    ),
    "an identifier given twice": (
        get(f"{SHOW}&{IDENTIFIER}=id=A&{NUMBER}"),
        "identifier.exactly_one",
    ),
    "a rule of another field": (get(f"{LIST}&{RULE}=number=7"), "list.identifier.fields"),
    "an empty rule": (get(f"{LIST}&{RULE}=id="), "list.identifier.mandatory"),
    "an empty entity": (get(f"{LIST}&entity="), "parameters.values"),
    "an entity of a later release": (get(f"{LIST}&entity=LEADS"), "list.entity.supported_values"),
    "an entity in the singular": (get(f"{LIST}&entity=JOB"), "list.entity.supported_values"),
    "a state that there is not": (
        get(f"{LIST}&entity=JOBS&life_cycle_state=FAILED"),
        "list.life_cycle_state.supported_values",
    ),
    "a number in letters": (
        get(f"{LIST}&entity=JOBS&number_of_results=ten"),
        "list.paging.numbers",
    ),
    "a date in letters": (
        get(f"{LIST}&entity=JOBS&created_date=today"),
        "list.created_date.filter",
    ),
    "a form": (request("POST", "webhook_requests/delete", f"token=T&{NUMBER}"), "parameters.body"),
    "no JSON": (request("POST", "webhook_requests/delete", "{"), "parameters.body"),
    "a login without a password": (token(username="a", organisation="c"), "parameters.mandatory"),
    "a user that is no text": (
        token(username=5, password="b", organisation="c"),
        "parameters.values",
    ),
    "a Web API key with a password": (by_key("KEY:x"), "login.web_api_key.basic"),
    "a Web API key as a password": (by_key(":KEY"), "parameters.mandatory"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_the_documents_refuse_is_a_mistake(name: str) -> None:
    made, expected = MISTAKES[name]
    assert ", ".join(judged(made)) == expected


@pytest.mark.parametrize(
    ("made", "release", "statement"),
    [
        (by_key("KEY:"), "R9", "web_api_key_token.available"),
        (get(f"{LIST}&entity=REWARDOFFERS"), "R10", "list.entity.supported_values"),
    ],
)
def test_what_a_release_does_not_have_is_a_mistake(
    made: Entry, release: str, statement: str
) -> None:
    assert judged(made, release) == [statement]
    assert judged(made, "R15") == []


SOUND = [
    get(f"{SHOW}&{NUMBER}"),
    get(f"webhook_requests/show/?token=T&{IDENTIFIER}=id=A&fields_set=id,url"),
    get(f"{LIST}&entity=JOBS&entity_id=5&url=http://x&life_cycle_state=REJECTED"),
    get(f"{LIST}&{RULE}=name=A%20rule&created_date=2016-02-29T00:00:00&offset=0"),
    post("resend", **{IDENTIFIER: {"number": "7"}}, fields_set="id"),
    post("delete", **{IDENTIFIER: {"id": "A"}}),
    token(**LOGIN, unit="1"),
    by_key("KEY:"),
    request("POST", "authentication/token/release", '{"token": "T"}'),
    get("contacts/show?number=5"),
    get("webhook_definitions/list?token=T"),
]


@pytest.mark.parametrize("made", SOUND, ids=lambda made: made["request"]["url"][-40:])
def test_a_right_request_is_no_mistake(made: Entry) -> None:
    """Nor is it worth a note; other methods of the API are not ours to judge."""
    assert judged(made) == []


OPEN = [
    (get(f"{SHOW}&{IDENTIFIER}=number%3D7"), "parameters.identifier_in_query"),
    (post("delete", **{IDENTIFIER: {"number": 7}}), "parameters.values"),
    (post("delete", **{IDENTIFIER: {"id": "A", "name": "x"}}), "identifier.fields"),
    (get(f"{LIST}&{RULE}=id=A,name=b"), "parameters.identifier_in_query"),
    (get(f"{LIST}&entity_id=5"), "list.semi_optional.at_least_one"),
    (get(f"{LIST}&entity=jobs"), "list.entity.supported_values"),
    (get(f"{LIST}&entity=JOBS,ACTIVITIES"), "list.entity.supported_values"),
    (get(f"{LIST}&entity=REWARDOFFERS"), "list.entity.supported_values"),
    (
        get(f"{LIST}&entity=JOBS&life_cycle_state=rejected"),
        "list.life_cycle_state.supported_values",
    ),
    (get(f"{LIST}&entity=JOBS&created_date=29/02/2016"), "list.created_date.filter"),
    (get(f"{LIST}&entity=JOBS&number_of_results=0"), "list.paging.numbers"),
    (get(f"{LIST}&entity=JOBS&offset=-1"), "list.paging.numbers"),
    (get(f"{LIST}&entity=JOBS&fields_set=id,%20nosuch"), "fields_set.names"),
    (get(f"{LIST}&entity=JOBS&limit=5"), "parameters.known"),
    (get(f"{LIST}&entity=JOBS&entity=ACTIVITIES"), "parameters.once"),
    (post("delete", **{IDENTIFIER: {"id": "A"}}, fields_set=["id"]), "fields_set.names"),
    (token(**LOGIN, unit=None), "parameters.values"),
    (token(access_token_identifier={"id": "A"}), "parameters.known"),
    (by_key("KEY"), "login.web_api_key.colon"),
    (request("POST", f"webhook_requests/delete?{NUMBER}", '{"token": "T"}'), "parameters.place"),
]


@pytest.mark.parametrize(("made", "statement"), OPEN, ids=lambda part: str(part)[:40])
def test_what_is_open_is_a_note(made: Entry, statement: str) -> None:
    assert f"?{statement}" in judged(made)
    assert all(text.startswith("?") for text in judged(made))


@pytest.mark.parametrize(("release", "name"), [("R9", "offset"), ("R12", "number_of_results")])
def test_a_parameter_of_a_later_release_is_a_note(release: str, name: str) -> None:
    """Whether it is ignored or refused is open."""
    assert judged(get(f"{LIST}&entity=JOBS&{name}=5"), release) == ["?parameters.known"]


BY_NUMBER = f'{{"token": "T", "{IDENTIFIER}": {{"number": "7"}}}}'
RIGHT: dict[str, str] = {
    "another verb": f"GET {SHOW}&{NUMBER}",
    "a misspelled path": f"GET {SHOW}&{NUMBER}",
    "a number beside the identifier's place": BY_NUMBER,
    "the token in a header": f"GET {TOKENLESS}?entity=JOBS&token=...",
    "the token of a POST in the query": f'{{"token": "...", "{IDENTIFIER}": {{"number": "7"}}}}',
    "a misspelled filter": f"GET {LIST}&entity=JOBS",
    "an identifier's name cut": f"GET {SHOW}&{NUMBER}",
    "a bare identifier": f"GET {SHOW}&{NUMBER}",
    "an identifier as in a query": BY_NUMBER,
    "an identifier of another field": f"GET {SHOW}&{NUMBER}",
    "two identifiers": f'{{"token": "T", "{IDENTIFIER}": {{"id": "A"}}}}',
    "an entity in the singular": f"GET {LIST}&entity=JOBS",
    "a form": BY_NUMBER,
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_request_is_shown_where_it_is_clear(name: str) -> None:
    belief = Belief(resolve("R13"), KnownTokens(sees_logins=False))
    *_, remark = remarks(exchange(MISTAKES[name][0]).call, belief)
    call = remark.right
    assert call is not None
    body = None if call.body is None else json.loads(call.body)
    if RIGHT[name].startswith("{"):
        assert (call.verb, body) == ("POST", json.loads(RIGHT[name]))
    else:
        assert f"{call.verb} {call.path}?{call.query}" == RIGHT[name]
    assert all(remark.kind is RemarkKind.NOTE for remark in remarks(call, belief))


# What came before.

LOST: Entry = {"response": {"status": 0, "content": {}}}
NO_TOKEN = 401, '{"status": {"code": "E.TOKEN", "message": "", "description": ""}}'
RELEASE = said("token_release", {"token": TOKEN}, ok({}))


def mistakes(results: Results) -> list[str]:
    """Return the statements of the mistakes of a recording's client."""
    assert results.client is not None
    return [mistake.remark.statement for mistake in results.client.mistakes]


@pytest.mark.parametrize(
    ("expected", "entries"),
    [
        (["resend.only_rejected"], [show(DONE), changed("resend", refused())]),
        (["resend.only_rejected"], [show(ONE), changed("resend", DONE), changed("resend", DONE)]),
        (["resend.only_rejected"], [changed("resend", DONE), changed("resend", refused())]),
        (
            ["resend.only_rejected"],
            [changed("resend", {"life_cycle_state": "SUCCESSFUL"}), changed("resend", refused())],
        ),
        (["delete.gone"], [changed("delete", ONE), changed("delete", refused())]),
        (["delete.gone"], [show(ONE), changed("delete", ONE), changed("delete", refused())]),
        (["delete.gone"], [changed("delete", DONE), show(refused()), changed("resend", refused())]),
        (
            ["delete.gone"],
            [
                listed([{"id": ONE["id"], "number": "1"}], entity="JOBS", fields_set="id,number"),
                said("delete", {"token": TOKEN, IDENTIFIER: {"number": "1"}}, ok({"number": "1"})),
                changed("resend", refused()),
            ],
        ),
        ([], [changed("delete", ONE), show(ONE), changed("resend", DONE)]),
        ([], [changed("delete", ONE), listed([{"number": "1"}]), changed("delete", ONE)]),
        ([], [changed("delete", ONE), show(refused()), changed("delete", record(2), 2)]),
        ([], [changed("resend", DONE), changed("delete", DONE)]),
        (
            [],  # both are under way together
            [
                changed("resend", DONE, time=3000),
                changed("resend", DONE, time=3000),
                changed("resend", DONE),
            ],
        ),
        ([], [show(ONE), changed("resend", ONE), changed("resend", DONE)]),
        ([], [show(DONE), show(ONE), changed("resend", DONE)]),
        (["resend.sends_again"], [changed("resend", ONE, **LOST), changed("resend", DONE)]),
        (["delete.single_result"], [changed("delete", ONE, **LOST), changed("delete", ONE)]),
        (
            ["resend.sends_again"],
            [
                show(ONE),
                changed("resend", ONE, **LOST),
                show(record(2), 2),
                changed("resend", DONE),
            ],
        ),
        ([], [changed("resend", ONE, **LOST), show(ONE), changed("resend", DONE)]),
        (
            ["resend.sends_again"],
            [changed("resend", ONE, **LOST, time=3000), changed("resend", DONE)],
        ),
        ([], [changed("resend", ONE, **LOST), listed([ONE]), changed("resend", DONE)]),
        ([], [changed("resend", ONE, **LOST), changed("resend", record(2), 2)]),
        ([], [changed("resend", refused(502)), changed("resend", DONE)]),
        (["token_release.ends_token"], [login(), RELEASE, show(refused()), login(OTHER_TOKEN)]),
        ([], [login(), RELEASE, login(OTHER_TOKEN), show(ONE, token=OTHER_TOKEN)]),
        (["token.expiry"], [login(), show(ONE), show(NO_TOKEN), listed(NO_TOKEN)]),
        (
            [],
            [login(), show(ONE), show(NO_TOKEN), login(OTHER_TOKEN), show(ONE, token=OTHER_TOKEN)],
        ),
        ([], [login(), show(NO_TOKEN), show(NO_TOKEN), show(ONE)]),
        ([], [login(), show(ONE), show(refused()), show(refused())]),
        (
            ["token.expiry"],
            [
                *(
                    login(),
                    show(ONE),
                    show(refused()),
                    login(OTHER_TOKEN),
                    show(ONE, token=OTHER_TOKEN),
                ),
                listed(refused()),
            ],
        ),
        ([], [show(ONE, token="REDACTED"), show(NO_TOKEN, token="REDACTED")] * 2),
        (
            [],  # *** may stand for several tokens
            [
                *(login("***"), said("token_release", {"token": "***"}, ok({}))),
                show(NO_TOKEN, token="***"),
            ],
        ),
        (
            ["resend.only_rejected"],
            [
                listed([{"number": "1"}], entity="JOBS", life_cycle_state="SUCCESSFUL"),
                said("resend", {"token": TOKEN, IDENTIFIER: {"number": "1"}}, refused()),
            ],
        ),
        (
            [],
            [
                listed([{"number": "1"}], entity="JOBS", life_cycle_state="SUCCESSFUL"),
                listed([{"number": "1"}], entity="JOBS", life_cycle_state="REJECTED"),
                said("resend", {"token": TOKEN, IDENTIFIER: {"number": "1"}}, ok(DONE)),
            ],
        ),
    ],
)
def test_a_mistake_may_follow_from_what_came_before(
    tmp_path: Path, expected: list[str], entries: list[Entry]
) -> None:
    assert mistakes(checked(tmp_path, archive(entries), release="R10")) == expected


def test_a_lost_change_is_no_other_kind_of_mistake(tmp_path: Path) -> None:
    entries = [show(ONE), changed("resend", ONE, **LOST), changed("resend", DONE)]
    results = checked(tmp_path, archive(entries))
    assert results.client is not None
    (finding,) = results.client.mistakes
    assert finding.remark.kind is RemarkKind.TWICE
    assert finding.remark.right is not None
    assert finding.remark.right.method == "show"


def test_requests_without_a_response_are_judged(tmp_path: Path) -> None:
    """Only what a server did with them is not known, and a wrong path has no statement."""
    bare = get(f"webhook_request/list?token={TOKEN}&entity=JOBS")
    entries = [listed(refused(), url="x") | LOST, bare | LOST, listed([ONE])]
    results = checked(tmp_path, archive(entries))
    assert mistakes(results) == ["list.semi_optional.at_least_one", "methods.known"]
    assert len(results.history) == 1
    alone = checked(tmp_path, archive(entries[:1]))
    assert alone.outcome is Outcome.BROKEN
    assert mistakes(alone) == ["list.semi_optional.at_least_one"]


@pytest.mark.parametrize("path", ["/crmapi/rest/v1", "/crmapi/rest", "/crmapi/rest/v2/v2"])
def test_a_path_that_goes_astray(tmp_path: Path, path: str) -> None:
    """It has the end of a method's, on the host that has the API; elsewhere it is no mistake."""
    url = f"{path}/{TOKENLESS}?token={TOKEN}&entity=JOBS"
    astray = entry("GET", f"{HOST}{url}", 404, "")
    others = entry("GET", f"https://app.example.com{url}", 404, "")
    results = checked(tmp_path, archive([listed([ONE]), astray]))
    assert mistakes(results) == ["methods.path"]
    if path != "/crmapi/rest/v2/v2":
        assert mistakes(checked(tmp_path, archive([listed([ONE]), others]))) == []


def test_a_password_that_was_removed_is_not_missing(tmp_path: Path) -> None:
    """A login that was served had one."""
    entries = [said("token", {"username": "ann"}, ok({"token": TOKEN})), listed([ONE])]
    assert mistakes(checked(tmp_path, archive(entries))) == []


def test_a_key_that_is_hidden_is_not_missing(tmp_path: Path) -> None:
    made = said("web_api_key_token", {}, refused())
    made["request"]["headers"].append({"name": "Authorization", "value": "***"})
    assert mistakes(checked(tmp_path, archive([made, listed([ONE])]), release="R10")) == []


def test_a_form_with_a_hidden_token_is_whole(tmp_path: Path) -> None:
    """It is shorter than what was sent."""
    form = f"token=$CRMCOM_TOKEN_2&{NUMBER}"
    made = changed("delete", refused())
    sent = {"mimeType": "application/x-www-form-urlencoded", "text": form}
    made["request"] |= {"postData": sent, "bodySize": len(form) + 9}
    assert mistakes(checked(tmp_path, archive([made, listed([ONE])]))) == ["parameters.body"]


# Which side, and what was expected.

WRONG = listed(refused(), url="x")


def test_one_side_alone_can_be_judged(tmp_path: Path) -> None:
    """The other one then decides nothing, and the first line says whose fault it is."""
    broken = listed([DONE], entity="JOBS", life_cycle_state="REJECTED")
    text = archive([login(), WRONG, broken])
    of_client = checked(tmp_path, text, judge="client")
    assert (of_client.statements, mistakes(of_client)) == ((), ["list.semi_optional.at_least_one"])
    of_server = checked(tmp_path, text, judge="server")
    assert (of_server.client, of_server.outcome) == (None, Outcome.BROKEN)
    assert checked(tmp_path, archive([login(), broken]), judge="client").outcome == Outcome.PASSED
    assert checked(tmp_path, archive([WRONG, listed([ONE])]), judge="server").exit_code == 0


def test_the_kits_own_requests_are_no_clients(tmp_path: Path) -> None:
    """Many are wrong on purpose; in one recording with a client's they are left aside."""
    of_kit = archive([WRONG, listed([ONE])], "crmcom-kit check")
    results = checked(tmp_path, of_kit)
    assert (results.client, results.exit_code) == (None, 0)
    with pytest.raises(RecordingError, match="--judge client needs the traffic of a client"):
        checked(tmp_path, of_kit, judge="client")
    results = checked(tmp_path, of_kit, archive([show(ONE)], "crmcom-kit"))
    assert results.client is not None
    assert (results.client.requests, mistakes(results)) == (1, [])


def test_an_expected_refusal_is_no_mistake(tmp_path: Path) -> None:
    results = checked(tmp_path, archive([WRONG | {"_expected_refusal": True}, listed([ONE])]))
    assert results.client is not None
    assert (mistakes(results), results.client.expected, results.exit_code) == ([], 1, 0)


LISTED = """
[[expected_refusal]]
method = "list"
parameters = { url = "http*", entity = "" }
reason = "a test of ours"
"""


@pytest.mark.parametrize(
    ("filters", "exit_code"),
    [({"url": "https://a"}, 0), ({"url": "ftp://a"}, 1), ({"url": "http://a", "entity": "X"}, 1)],
)
def test_the_deviations_file_names_expected_refusals(
    tmp_path: Path, filters: dict[str, str], exit_code: int
) -> None:
    """By method and patterns of parameters; one that matches no mistake is stale."""
    (tmp_path / "known.toml").write_text(LISTED)
    text = archive([listed(refused(), **filters), listed([ONE])])
    results = checked(tmp_path, text, deviations=str(tmp_path / "known.toml"))
    assert results.exit_code == exit_code
    stale = "the expected refusal of list is no mistake of any request: a test of ours"
    assert results.stale == ((stale,) if exit_code else ())


def test_every_report_has_both_parts(tmp_path: Path) -> None:
    bare = get(f"{SHOW}&{IDENTIFIER}=7") | {"response": WRONG["response"]}
    results = checked(tmp_path, archive([login(), bare, listed([ONE], limit="5", entity="JOBS")]))
    reports = all_reports(results)
    line = "client: 1 mistake; server: all"
    for name in ("json", "junit", "html", "summary", "terminal"):
        text = html.unescape(reports[name])
        assert "parameters.identifier_in_query" in text, name
        assert NUMBER in text, name
        assert "GET alerts/show example, R9.0.0" in text, name
        assert name == "junit" or line in text, name
    document = json.loads(reports["json"])
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    assert [note["statement"] for note in document["client"]["notes"]] == ["parameters.known"]
    suites = [*ET.fromstring(reports["junit"])]  # noqa: S314 - we made it
    assert [suite.get("failures") for suite in suites] == ["0", "1"]
    assert "the method has no parameter limit" in reports["terminal"]


def test_a_variable_stands_in_the_right_request_as_in_the_one_that_was_sent(tmp_path: Path) -> None:
    """The mock writes it for the token; in a query that is built of it, it would be encoded."""
    bare = get(f"webhook_requests/show?token=$CRMCOM_TOKEN&{IDENTIFIER}=7")
    results = checked(tmp_path, archive([bare | {"response": WRONG["response"]}, listed([ONE])]))
    (mistake,) = Report(results).document["client"]["mistakes"]
    assert f"?token=$CRMCOM_TOKEN&{IDENTIFIER}=7" in mistake["sent"]
    assert f"?token=$CRMCOM_TOKEN&{IDENTIFIER}=number=7" in mistake["right"]


def test_mistakes_that_differ_in_values_alone_are_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a bound on all others, so that a report stays readable."""
    monkeypatch.setattr(client_checker, "MAX_KINDS", 2)
    states = [listed([], entity="JOBS", life_cycle_state=f"S{at}") for at in range(3)]
    odd = [listed([ONE], entity="JOBS", **{name: "x"}) for name in ("urll", "urls")]
    results = checked(tmp_path, archive([*states, *odd, listed([ONE])]))
    assert results.client is not None
    assert [mistake.times for mistake in results.client.mistakes] == [3, 2]
