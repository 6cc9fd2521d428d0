"""The client of recorded traffic is checked: what the documents refuse is its mistake."""

import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

from helpers.conversations import exchange, request
from helpers.recordings import IDENTIFIER, LOGIN, Entry

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.tokens import KnownTokens
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.oracle.client_mistakes import RemarkKind, remarks
from crmcom_kit.schemas import resolve

BELIEF = Belief(resolve("R13"), KnownTokens(sees_logins=False))
SHOW, LIST, RESEND = (f"webhook_requests/{name}?token=T" for name in ("show", "list", "resend"))
TOKENLESS = LIST.partition("?")[0]
NUMBER = f"{IDENTIFIER}=number=7"
RULE = "workflow_rule_identifier"


def post(method: str, **members: Any) -> Entry:
    return request("POST", f"webhook_requests/{method}", json.dumps({"token": "T", **members}))


def get(text: str) -> Entry:
    return request("GET", text)


def token(**members: Any) -> Entry:
    return request("POST", "authentication/token", json.dumps(members))


def by_key(text: str) -> Entry:
    """Return a login by what HTTP Basic authentication encodes."""
    coded = b64encode(text.encode()).decode()
    return request("POST", "authentication/web_api_key/token", Authorization=f"Basic {coded}")


def mistakes_of(made: Entry, release: str = "R13") -> list[str]:
    """Return statements of the mistakes in a request, and of its notes behind a question mark."""
    all_remarks = remarks(exchange(made).call, replace(BELIEF, release=resolve(release)))
    return [f"{'?' * (remark.kind is RemarkKind.NOTE)}{remark.statement}" for remark in all_remarks]


BY_NUMBER = {"token": "T", IDENTIFIER: {"number": "7"}}
#: A request, what is wrong with it, and the right request if that is clear.
MISTAKES: list[tuple[Entry, str, Any]] = [
    (request("POST", f"{SHOW}&{NUMBER}", "{"), "methods.verb", f"GET {SHOW}&{NUMBER}"),
    (get(f"webhook_request/show?token=T&{NUMBER}"), "methods.known", f"GET {SHOW}&{NUMBER}"),
    (get("webhook_requests/count?token=T"), "methods.known", None),
    (get(SHOW), "parameters.mandatory", None),
    (post("delete", number="7"), "?parameters.known, parameters.mandatory", BY_NUMBER),
    (post("delete", **{IDENTIFIER: {}}), "identifier.mandatory", None),
    (get(f"{TOKENLESS}?entity=JOBS"), "token.required",
     f"GET {TOKENLESS}?entity=JOBS&token=..."),
    (get(f"{TOKENLESS}?token=&entity=JOBS"), "token.required",
     f"GET {TOKENLESS}?token=...&entity=JOBS"),
    (post("delete", token=5, **{IDENTIFIER: {"id": "A"}}), "parameters.values", None),
    (request("GET", f"{TOKENLESS}?entity=JOBS", Authorization="Bearer T"), "token.required",
     f"GET {TOKENLESS}?entity=JOBS&token=..."),
    (request("POST", RESEND, f'{{"{IDENTIFIER}": {{"number": "7"}}}}'), "token.required",
     {**BY_NUMBER, "token": "..."}),
    (request("GET", f"{TOKENLESS}?entity=JOBS", '{"token": "T"}'), "token.required",
     f"GET {TOKENLESS}?token=...&entity=JOBS"),
    (get(f"{LIST}&entitty=JOBS"), "parameters.known", f"GET {LIST}&entity=JOBS"),
    (get(f"{SHOW}&webhook_identifier=number=7"), "parameters.known", f"GET {SHOW}&{NUMBER}"),
    (token(username="a", password="b", organization="c"), "parameters.known",
     {"username": "a", "password": "b", "organisation": "c"}),
    (get(f"{SHOW}&{IDENTIFIER}=7"), "parameters.identifier_in_query", f"GET {SHOW}&{NUMBER}"),
    (get(f"{LIST}&{RULE}=7"), "parameters.identifier_in_query", None),
    (post("resend", **{IDENTIFIER: "number=7"}), "parameters.identifier_in_body", BY_NUMBER),
    (post("resend", **{IDENTIFIER: [{"number": "7"}]}), "parameters.identifier_in_body", None),
    (get(f"{SHOW}&{IDENTIFIER}=nr=7"), "identifier.fields", f"GET {SHOW}&{NUMBER}"),
    (post("delete", **{IDENTIFIER: {"id": True}}), "parameters.values", None),
    (post("delete", **{IDENTIFIER: {"id": "A", "number": "7"}}), "identifier.exactly_one",
     {"token": "T", IDENTIFIER: {"id": "A"}}),
    (get(f"{SHOW}&{IDENTIFIER}=id=A,number=7"), "identifier.exactly_one",
     f"GET {SHOW}&{IDENTIFIER}=id=A"),
    (get(f"{SHOW}&{IDENTIFIER}=id=A&{NUMBER}"), "identifier.exactly_one", None),
    (get(f"{LIST}&{RULE}=number=7"), "list.identifier.fields", None),
    (get(f"{LIST}&{RULE}=id="), "list.identifier.mandatory", None),
    (get(f"{LIST}&entity="), "parameters.values", None),
    (get(f"{LIST}&entity=JOB"), "list.entity.supported_values", f"GET {LIST}&entity=JOBS"),
    (get(f"{LIST}&entity=JOBS&life_cycle_state=FAILED"),
     "list.life_cycle_state.supported_values", None),
    (get(f"{LIST}&entity=JOBS&number_of_results=ten"), "list.paging.numbers", None),
    (get(f"{LIST}&entity=JOBS&created_date=today"), "list.created_date.filter", None),
    (request("POST", "webhook_requests/delete", f"token=T&{NUMBER}"), "parameters.body",
     BY_NUMBER),
    (request("POST", "webhook_requests/delete", "{"), "parameters.body", None),
    (token(username="a", organisation="c"), "parameters.mandatory", None),
    (token(username=5, password="b", organisation="c"), "parameters.values", None),
    (by_key("KEY:x"), "login.web_api_key.basic", None),
    (by_key(":KEY"), "parameters.mandatory", None),
]  # fmt: skip


def shown(call: Call | None) -> Any:
    """Return a GET as a text, and the body of a POST; None without a request."""
    if call is None or call.body is None:
        return call and f"{call.verb} {call.path}?{call.query}"
    return json.loads(call.body)


def test_what_the_documents_refuse_is_a_mistake() -> None:
    """The right request is shown if it is clear, and is no mistake."""
    for made, expected, right in MISTAKES:
        assert ", ".join(mistakes_of(made)) == expected, made["request"]
        *_, remark = remarks(exchange(made).call, BELIEF)
        assert shown(remark.fix) == right
        left = [] if remark.fix is None else remarks(remark.fix, BELIEF)
        assert all(remark.kind is RemarkKind.NOTE for remark in left)


def test_what_a_release_does_not_have_is_a_mistake() -> None:
    for made, release, statement in (
        (by_key("KEY:"), "R9", "web_api_key_token.available"),
        (get(f"{LIST}&entity=REWARDOFFERS"), "R10", "list.entity.supported_values"),
    ):
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


def test_a_right_request_is_no_mistake() -> None:
    """Nor is it worth a note; other methods of the API are not checked."""
    assert [made["request"] for made in SOUND if mistakes_of(made)] == []


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


def test_an_undocumented_request_is_a_note() -> None:
    for made, statement in OPEN:
        assert f"?{statement}" in mistakes_of(made)
        assert all(text.startswith("?") for text in mistakes_of(made)), made["request"]


def test_a_parameter_of_a_later_release_is_a_note() -> None:
    """Whether it is ignored or refused is open."""
    for release, name in (("R9", "offset"), ("R12", "number_of_results")):
        made = get(f"{LIST}&entity=JOBS&{name}=5")
        assert mistakes_of(made, release) == ["?parameters.known"]
