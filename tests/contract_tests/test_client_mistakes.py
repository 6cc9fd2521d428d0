"""The client of recorded traffic is checked: what the documents refuse is its mistake."""

import json
from base64 import b64encode
from typing import Any

import pytest
from helpers.conversations import exchange, request
from helpers.recordings import IDENTIFIER, LOGIN, Entry

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.tokens import KnownTokens
from crmcom_kit.contract_tests.oracle.client_mistakes import RemarkKind, remarks
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


def mistakes_of(made: Entry, release: str = "R13") -> list[str]:
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
    assert ", ".join(mistakes_of(made)) == expected


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
    assert mistakes_of(made, release) == [statement]
    assert mistakes_of(made, "R15") == []


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
    """Nor is it worth a note; other methods of the API are not checked."""
    assert mistakes_of(made) == []


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
def test_an_undocumented_request_is_a_note(made: Entry, statement: str) -> None:
    assert f"?{statement}" in mistakes_of(made)
    assert all(text.startswith("?") for text in mistakes_of(made))


@pytest.mark.parametrize(("release", "name"), [("R9", "offset"), ("R12", "number_of_results")])
def test_a_parameter_of_a_later_release_is_a_note(release: str, name: str) -> None:
    """Whether it is ignored or refused is open."""
    assert mistakes_of(get(f"{LIST}&entity=JOBS&{name}=5"), release) == ["?parameters.known"]


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
    call = remark.fix
    assert call is not None
    body = None if call.body is None else json.loads(call.body)
    if RIGHT[name].startswith("{"):
        assert (call.verb, body) == ("POST", json.loads(RIGHT[name]))
    else:
        assert f"{call.verb} {call.path}?{call.query}" == RIGHT[name]
    assert all(remark.kind is RemarkKind.NOTE for remark in remarks(call, belief))
