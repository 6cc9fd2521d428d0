"""What one response shows by itself: envelope, fields, and the token of a login."""

import copy
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from helpers.conversations import Conversation
from helpers.recordings import (
    EXAMPLE,
    IDENTIFIER,
    LOGIN,
    TOKEN,
    Answer,
    changed,
    listed,
    ok,
    record,
    refused,
    said,
    show,
)

from crmcom_kit.contract_tests.oracle.logins import decoded

ONE, DONE = record(1), record(1, life_cycle_state="SUCCESSFUL")
OK = {"code": "OK", "message": "", "description": ""}
ERROR = {"code": "E1", "message": "It does not exist.", "description": None}
LOG = "response.log_information"


def answer(value: Any, status: int = 200) -> Answer:
    """Return a response with a JSON text, or with a text as it stands."""
    return status, value if isinstance(value, str) else json.dumps(value)


def shortened(value: Any) -> str:
    """Return the name of a case."""
    return str(value)[:100]


def altered(**changed: Any) -> dict[str, Any]:
    """Return a webhook request with other members; ``a__b`` is b inside a, ``...`` takes away."""
    made: dict[str, Any] = copy.deepcopy(ONE)
    for name, value in changed.items():
        at, _, rest = name.rpartition("__")
        inside = made[at] if at else made
        inside[rest] = value
        if value is ...:
            del inside[rest]
    return made


def broken_by(shown: Any, release: str = "R9", **given: Any) -> set[str]:
    """Return the statements that a show breaks which returns a webhook request."""
    named = {"id": shown["id"] if isinstance(shown.get("id"), str) else ONE["id"]}
    made = said("show", {"token": TOKEN, IDENTIFIER: named, **given}, ok(shown))
    return set(Conversation(made, release=release).suspected)


@pytest.mark.parametrize(
    ("response", "statement"),
    [
        (answer("<html>"), "envelope.json"),
        (answer(""), "envelope.json"),
        (answer("[" * 1000 + "]" * 1000), "envelope.json"),
        (answer([]), "envelope.status"),
        (answer({"data": {}}), "envelope.status"),
        (answer({"status": None, "data": {}}), "envelope.status"),
        (answer({"status": {"code": "OK"}, "data": {}}), "envelope.status"),
        (answer({"status": OK}), "envelope.data_object"),
        (ok(None), "envelope.data_object"),
        (ok(5), "envelope.data_object"),
        (ok([ONE]), "envelope.data_object"),
        (ok([ONE, {}]), "show.single_result"),
    ],
    ids=shortened,
)
def test_a_flaw_of_a_success_is_put_to_its_statement(response: Answer, statement: str) -> None:
    """It is suspected alone: nothing follows of it."""
    assert Conversation(show(ONE), show(response)).suspected == [statement]


@pytest.mark.parametrize(
    ("response", "statement"),
    [
        (answer("<html>", 500), "errors.json"),
        (answer("<html>"), "errors.json"),
        (answer({"status": {**ERROR, "message": 5}}), "envelope.status_texts"),
        (answer({"status": {**OK, "code": "ok"}, "data": {"url": "u"}}), "envelope.code_ok"),
        (answer({"status": {**OK, "code": None}}), "errors.code_not_ok"),
        (answer({"status": {**OK, "code": ["E1"]}}), "errors.code_not_ok"),
        (answer({"status": OK}, 404), "errors.code_not_ok"),
    ],
    ids=shortened,
)
def test_a_flaw_of_an_error_is_put_to_its_statement(response: Answer, statement: str) -> None:
    """It is suspected alone, in the response to a request that is to be refused."""
    assert Conversation(show(response)).suspected == [statement]


@pytest.mark.parametrize("data", [{}, None, [], "absent"])
@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_errors_are_free_in_status_code_and_data(data: Any, status: int) -> None:
    """An error may have any HTTP status and code, and hardly any data."""
    body = {"status": ERROR} if data == "absent" else {"status": ERROR, "data": data}
    conversation = Conversation(show(answer(body, status)))
    assert conversation.suspected == []
    assert {"errors.json", "errors.code_not_ok"} <= conversation.held


@pytest.mark.parametrize("shown", [ONE, DONE])
def test_a_delivery_that_failed_may_be_an_error_with_the_webhook_request(shown: Any) -> None:
    """Another code than OK beside one that was sent again with success is wrong."""
    made = changed("resend", answer({"status": ERROR, "data": shown}))
    expected = ["envelope.code_ok"] if shown is DONE else []
    assert Conversation(show(ONE), made).suspected == expected


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_is_no_server(status: int) -> None:
    """What a gateway says while the server is away is no response of the server."""
    conversation = Conversation(show(answer("<html>", status)))
    assert not conversation.suspected
    assert not conversation.held


@pytest.mark.parametrize("data", [[], None, "absent"])
def test_an_empty_list_has_any_form(data: Any) -> None:
    """An empty array, null and no data are all an empty list."""
    body = {"status": OK} if data == "absent" else {"status": OK, "data": data}
    assert Conversation(listed(answer(body))).suspected == []


@pytest.mark.parametrize("data", [ONE, [ONE, 5], [[]], "x", 0])
def test_a_list_is_an_array_of_objects(data: Any) -> None:
    """Anything else that is not empty is no list."""
    assert Conversation(listed(ok(data))).suspected == ["envelope.data_array"]


def test_the_documents_own_example_keeps_everything() -> None:
    """It is right, and tells of most statements."""
    made = said("show", {"token": TOKEN, IDENTIFIER: {"id": EXAMPLE["id"]}}, ok(EXAMPLE))
    conversation = Conversation(made, release="R9")
    assert conversation.suspected == []
    told = {each.partition(".")[0] for each in conversation.held}
    assert {"response", "envelope", "show", "parameters", "methods", "errors"} <= told
    assert {f"response.{name}" for name in EXAMPLE} <= conversation.held


@pytest.mark.parametrize(
    ("changed", "statement"),
    [
        ({"id": 5}, "response.id"),
        ({"number": 7}, "response.number"),
        ({"number": 10**400}, "response.number"),
        ({"life_cycle_state": 1}, "response.life_cycle_state"),
        ({"life_cycle_state": "PENDING"}, "response.life_cycle_state.values"),
        ({"entity": ["JOBS"]}, "response.entity"),
        ({"entity": "LEADS"}, "response.entity.supported_values"),
        ({"url": None}, "response.url"),
        ({"authentication_code": 1}, "response.authentication_code"),
        ({"fields_set": ["id"]}, "response.fields_set"),
        ({"request": 1}, "response.request"),
        ({"response": []}, "response.response"),
        ({"error_code": 500}, "response.error_code"),
        ({"webhook_definition": "D"}, "response.webhook_definition"),
        ({"webhook_definition": {"description": "x"}},
         "response.webhook_definition.identifier_fields"),
        ({"workflow_rule": {}}, "response.workflow_rule.identifier_fields"),
        ({"workflow_rule": {"id": 5}}, "response.workflow_rule.identifier_fields"),
        ({"log_information": []}, LOG),
        ({"log_information__created_date": "2016-02-30T00:00:00"}, f"{LOG}.date_form"),
        ({"log_information__updated_date": "2016-02-01T00:00:00.000"}, f"{LOG}.date_form"),
        ({"log_information__updated_date": "1999-01-01T00:00:00"}, f"{LOG}.dates_in_order"),
        ({"log_information__created_by_user": "me"}, f"{LOG}.users"),
        ({"log_information__created_by_user": {"id": "1", "username": 5}}, f"{LOG}.user_members"),
        ({"log_information__created_by_user": {"username": "x"}}, f"{LOG}.user_members"),
        ({"log_information__created_by_unit": "u"}, f"{LOG}.units"),
        ({"log_information__created_by_unit": {"id": "1", "name": "x", "description": 5}},
         f"{LOG}.unit_members"),
        ({"life_cycle_state": "SUCCESSFUL", "error_code": None},
         "response.error_description.only_rejected"),
        ({"life_cycle_state": "SUCCESSFUL", "error_description": None},
         "response.error_code.only_rejected"),
        ({"life_cycle_state": "SUCCESSFUL", "error_description": None, "error_code": 5},
         "response.error_code"),
        ({"number": ...}, "fields_set.default_all"),
        ({"workflow_rule": ...}, "fields_set.default_all"),
        ({"entity_id": ..., "entityId": "E1"}, "response.entity_id"),
        ({"log_information__created_date": ..., "log_information__creation_date": "x"},
         f"{LOG}.dates"),
        ({"log_information__created_by_user": ..., "log_information__created_by_users": {}},
         f"{LOG}.users"),
    ],
    ids=shortened,
)  # fmt: skip
def test_a_wrong_field_is_put_to_its_statement(changed: dict[str, Any], statement: str) -> None:
    """Whatever is wrong with one field breaks the statement of that field alone."""
    assert broken_by(altered(**changed)) == {statement}


@pytest.mark.parametrize(
    "changed",
    [
        {"extra": 1, "log_information__nonce": "x", "workflow_rule__more": [None]},
        {"life_cycle_state": "SUCCESSFUL", "error_code": None, "error_description": ...},
        {"error_code": None, "error_description": None},
        {"workflow_rule": None},
        {"log_information__created_date": "2015-11-02T16:03:33+02:00"},
        {"log_information__created_date": None, "log_information__updated_date": ...},
        {"log_information__created_by_user": {"id": "1", "username": "x"}},
        {"request": {"deep": [1]}, "response": '{"text": 1}'},
        {"authentication_code": None, "fields_set": None},
        {"id": "1"},
    ],
    ids=shortened,
)
def test_what_no_page_rules_out_breaks_nothing(changed: dict[str, Any]) -> None:
    """Members that no page knows, values that are not set, zones, short forms, any form of id."""
    assert broken_by(altered(**changed)) == set()


def test_the_names_of_units_and_entities_are_those_of_the_release() -> None:
    """From R18 on a unit has another name, and each release adds its entities."""
    units = {"log_information__created_by_unit": ..., "log_information__updated_by_unit": ...}
    new = {"log_information__created_by_business_unit": ONE["log_information"]["created_by_unit"]}
    assert broken_by(ONE, "R18") == {f"{LOG}.business_units"}
    assert broken_by(altered(**units, **new), "R18") == set()
    assert broken_by(altered(**units, **new), "R9") == {f"{LOG}.units"}
    assert broken_by(altered(entity="LEADS"), "R14") == set()
    assert broken_by(altered(entity="REWARDOFFERS"), "R13") == set()


@pytest.mark.parametrize(
    ("names", "fields_set", "broken"),
    [
        ("id,url", "url", set()),  # id may come along unasked
        ("url", "url,error_code", set()),  # unset, and so left out
        ("url,number", "url", {"fields_set.selects"}),
        ("url", "url,number", {"fields_set.selects"}),
        ("url,number", "url, number", set()),  # how a space is read stands nowhere
        ("url,number", "nosuch", set()),
        ("url", "", set()),
    ],
)
def test_fields_set_is_held_to_what_it_names(names: str, fields_set: str, broken: set[str]) -> None:
    """A response has the fields that fields_set names, and only those."""
    shown = {name: ONE[name] for name in names.split(",")}
    assert broken_by(shown, fields_set=fields_set) == broken


@pytest.mark.parametrize(
    ("others", "statement"),
    [
        ([record(2)], None),
        ([ONE], "list.no_duplicates"),
        ([record(2, id=ONE["id"])], "response.id.names_one"),
        ([record(2, number="1")], "response.number.names_one"),
    ],
)
def test_each_is_listed_once_and_has_names_of_its_own(
    others: list[dict[str, Any]], statement: str | None
) -> None:
    """Twice the same is a duplicate; one id or number with two is another thing."""
    conversation = Conversation(listed([ONE, *others]))
    assert conversation.suspected == ([] if statement is None else [statement])


@pytest.mark.parametrize("given", [{"created_by_user": {}}, {}])
def test_one_defect_hides_no_other(given: dict[str, Any]) -> None:
    """Several fields may be wrong, and a filter ignored: all of it is told."""
    wrong = altered(number=3, life_cycle_state="SUCCESSFUL", error_code=None,
                       error_description=None, log_information__created_by_user="x")  # fmt: skip
    made = listed([wrong], entity="JOBS", life_cycle_state="REJECTED", **given)
    told = {"response.number", f"{LOG}.users"}
    if not given:  # what no page knows may select anything
        told.add("list.life_cycle_state.filter")
    assert set(Conversation(made).suspected) == told


def part(value: Any) -> str:
    """Return a part of a JSON Web Token."""
    text = value if isinstance(value, str) else json.dumps(value)
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def jwt(header: Any = None, **changed: Any) -> str:
    """Return a JSON Web Token; its claims may be others, and ``...`` takes one away."""
    claims = {"jti": "a", "usr": "u", "org": "o", "oun": "1", "exp": "7200", "iat": "0"} | changed
    left = {name: value for name, value in claims.items() if value is not ...}
    return f"{part(header or {'typ': 'JWT', 'alg': 'HS256'})}.{part(left)}.{part('signature')}"


@pytest.mark.parametrize(
    ("token", "flaw"),
    [
        (jwt(), None),
        (jwt(exp=7200, iat=0), None),
        (jwt(exp="7300"), "jwt_times"),
        (jwt(exp="7200.0"), "jwt_times"),
        (jwt(exp=10**400), "jwt_times"),
        (jwt(exp="9" * 5000), "jwt_times"),
        (jwt(exp=[[]]), "jwt_times"),
        (jwt(exp=True), "jwt_times"),
        (jwt(exp="٧٢٠٠"), "jwt_times"),
        (jwt(jti=...), "jwt_claims"),
        (jwt(exp=...), "jwt_claims"),
        (jwt({"typ": "JWT", "alg": "none"}), "jwt_header"),
        ("A" * 64, "jwt"),
        ("a.b.c", "jwt"),
        (f"{part([])}.{part({})}.{'x' * 40}", "jwt"),
        (f"{part({})}.{part('[' * 3000 + ']' * 3000)}.xxxx", "jwt"),
        ("é.é.é" * 20, "jwt"),
    ],
)
def test_tokens_are_web_tokens_from_r12_on(token: str, flaw: str | None) -> None:
    """Each flaw of a token is put to its statement; before R12 any text will do."""
    made = said("token", LOGIN, ok({"token": token}))
    expected = [] if flaw is None else [f"login.token.{flaw}"]
    assert Conversation(made, release="R12").suspected == expected
    assert Conversation(made, release="R11").suspected == []


@pytest.mark.parametrize("text", ["", "a", "..", "\ud800.a.a", "a.a.a"])
def test_what_is_no_web_token_has_no_claims(text: str) -> None:
    """Any text may come; none is an error of the kit."""
    assert decoded(text) is None


@pytest.mark.parametrize("data", [None, {}, {"token": ""}, {"token": 5}, [], 5])
def test_a_login_has_a_token(data: Any) -> None:
    """A login that is served has a token in its data, and one that is refused has none."""
    made = said("token", LOGIN, ok(data))
    assert Conversation(made).suspected == ["login.token.returns_token"]
    body = {"status": ERROR, "data": {"token": "A"}}
    made = said("token", LOGIN | {"password": "x"}, answer(body, 401))
    assert Conversation(made).suspected == ["login.credentials"]


@pytest.mark.parametrize(("data", "fine"), [({}, True), (None, False), ({"x": 1}, False)])
def test_a_release_has_an_empty_object(data: Any, fine: bool) -> None:  # noqa: FBT001
    """Data of token_release is an empty object; whether there is any is open."""
    made = said("token_release", {"token": TOKEN}, ok(data))
    expected = [] if fine else ["token_release.empty_answer"]
    assert Conversation(made, release="R10").suspected == expected


@pytest.mark.parametrize("answers", [[refused(500)] * 3, [refused(404), refused(500)]])
def test_a_status_of_a_failure_is_open_for_one_refusal(answers: list[Answer]) -> None:
    """HTTP 500 may be the way of a server to refuse; see ``test_server_errors``."""
    nowhere = {IDENTIFIER: {"id": "nowhere"}}
    made = [said("show", {"token": TOKEN, **nowhere}, each) for each in answers]
    assert Conversation(*made).suspected == []
