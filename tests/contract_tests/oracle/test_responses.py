"""What one response shows by itself: envelope, fields, and the token of a login."""

import copy
import json
from base64 import urlsafe_b64encode
from typing import Any

from helpers.conversations import Conversation
from helpers.recordings import (
    DONE,
    EXAMPLE,
    IDENTIFIER,
    LOGIN,
    ONE,
    TOKEN,
    Entry,
    Response,
    changed,
    listed,
    logged,
    ok,
    record,
    show,
)

OK = {"code": "OK", "message": "", "description": ""}
ERROR = {"code": "E1", "message": "It does not exist.", "description": None}
LOG = "response.log_information"
NOTHING: list[Any] = [{}, None, []]


def response_of(value: Any, status: int = 200) -> Response:
    """Return a response with a JSON text, or with a text as it stands."""
    return status, value if isinstance(value, str) else json.dumps(value)


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
    made = logged("show", {"token": TOKEN, IDENTIFIER: named, **given}, ok(shown))
    return set(Conversation(made, release=release).suspected)


def absent(status: Any) -> Response:
    return response_of({"status": status})


FLAWS: list[tuple[Entry, str]] = [
    (show(response_of("<html>")), "envelope.json"),
    (show(response_of("[" * 100_000)), "envelope.json"),
    (show(response_of("[" * 100_000 + "]" * 100_000)), "envelope.status"),
    (show(response_of([])), "envelope.status"),
    (show(response_of({"data": {}})), "envelope.status"),
    (show(absent(None)), "envelope.status"),
    (show(absent({"code": "OK"})), "envelope.status"),
    (show(absent(OK)), "envelope.data_object"),
    (show(ok(None)), "envelope.data_object"),
    (show(ok(5)), "envelope.data_object"),
    (show(ok([ONE])), "envelope.data_object"),
    (show(ok([ONE, {}])), "show.single_result"),
    (listed(ok(ONE)), "envelope.data_array"),
    (listed(ok([[]]), entity="ACTIVITIES"), "envelope.data_array"),
    (listed(ok(0), entity="ACTIVITIES"), "envelope.data_array"),
    (changed("resend", response_of({"status": ERROR, "data": DONE})), "envelope.code_ok"),
    # Of what does not exist, and is to be refused.
    (show(response_of("<html>", 500), 9), "errors.json"),
    (show(response_of("<html>"), 9), "errors.json"),
    (show(response_of("<html>", 400), 9), "errors.json"),
    (show(absent({**ERROR, "message": 5}), 9), "envelope.status_texts"),
    (show(response_of({"status": {**OK, "code": "ok"}, "data": {"url": "u"}}), 9),
     "envelope.code_ok"),
    (show(absent({**OK, "code": None}), 9), "errors.code_not_ok"),
    (show(response_of({"status": OK}, 404), 9), "errors.code_not_ok"),
]  # fmt: skip


def test_a_flaw_of_an_envelope_is_put_to_its_statement() -> None:
    for made, statement in FLAWS:
        assert Conversation(show(ONE), made).suspected == [statement], made["response"]


ENVELOPES: list[Entry] = [
    *(show(response_of({"status": ERROR, "data": data}, status), 9)
      for data in NOTHING for status in (200, 400, 404, 500)),
    show(absent(ERROR), 9),
    *(show(response_of("<html>", status)) for status in (502, 503, 504)),  # of a gateway
    *(listed(response_of({"status": OK, "data": data})) for data in NOTHING[1:]),
    listed(absent(OK)),
    changed("resend", response_of({"status": ERROR, "data": ONE})),  # the delivery has failed
]  # fmt: skip


def test_an_envelope_may_have_any_form_that_is_documented() -> None:
    assert [made["response"] for made in ENVELOPES if Conversation(made).suspected] == []


def test_what_http_refuses_is_no_error_of_the_api() -> None:
    """A server's HTTP is before the API: it may refuse in text what is too long or malformed."""
    for status, more in ((413, ""), (414, ""), (431, ""), (400, "&x=%zz"), (400, "&x=<")):
        made = show(response_of("too long", status))
        made["request"]["url"] += more
        conversation = Conversation(made)
        assert (conversation.suspected, conversation.held) == ([], set())


def test_the_documents_own_example_keeps_everything() -> None:
    made = logged("show", {"token": TOKEN, IDENTIFIER: {"id": EXAMPLE["id"]}}, ok(EXAMPLE))
    conversation = Conversation(made, release="R9")
    assert conversation.suspected == []
    groups = {statement.partition(".")[0] for statement in conversation.held}
    assert {"response", "envelope", "show", "parameters", "methods", "errors"} <= groups
    assert {f"response.{name}" for name in EXAMPLE} <= conversation.held


WRONG_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"id": 5}, "response.id"),
    ({"number": 7}, "response.number"),
    ({"life_cycle_state": 1}, "response.life_cycle_state"),
    ({"life_cycle_state": "PENDING"}, "response.life_cycle_state.values"),
    ({"entity": ["JOBS"]}, "response.entity"),
    ({"entity": "LEADS"}, "response.entity.supported_values"),
    ({"url": None}, "response.url"),
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
    ({"entity_id": ..., "entityId": "E1"}, "fields_set.default_all"),
]  # fmt: skip


def test_a_wrong_field_is_put_to_its_statement() -> None:
    for members, statement in WRONG_FIELDS:
        assert broken_by(altered(**members)) == {statement}, members


OPEN_FIELDS: list[dict[str, Any]] = [
    {"extra": 1, "log_information__nonce": "x", "workflow_rule__more": [None]},
    {"life_cycle_state": "SUCCESSFUL", "error_code": None, "error_description": ...},
    {"error_code": None, "error_description": None},
    {"workflow_rule": None},
    {"log_information__created_date": "2015-11-02T16:03:33+02:00"},
    {"log_information__created_date": None, "log_information__updated_date": ...},
    {"log_information__created_date": ..., "log_information__creation_date": "x"},
    {"error_code": ..., "error_date": [], "webhook_definition__alternative_name": 5},
    {"log_information__created_by_user": {"id": "1", "username": "x"}},
    {"request": {"deep": [1]}, "response": '{"text": 1}'},
    {"authentication_code": None, "fields_set": None},
    {"id": "1"},
]  # fmt: skip


def test_what_no_page_rules_out_breaks_nothing() -> None:
    assert [made for made in OPEN_FIELDS if broken_by(altered(**made))] == []


def test_dates_without_zones_may_be_a_day_apart() -> None:
    """Moments without a zone count only if they are more than a day apart."""
    for created, updated, is_in_order in (
        ("2016-10-30T03:59:59", "2016-10-30T03:00:07", True),  # clocks went back
        ("2016-10-30T03:59:59", "2016-10-29T03:59:59", True),
        ("2016-10-30T03:59:59", "2016-10-29T03:59:58", False),
        ("2016-10-30T03:59:59+03:00", "2016-10-30T03:00:07", True),
        ("2016-10-30T03:59:59+03:00", "2016-10-30T03:00:07+02:00", True),
        ("2016-10-30T03:59:59+03:00", "2016-10-30T03:00:07+03:00", False),
    ):
        log = {"log_information__created_date": created, "log_information__updated_date": updated}
        assert broken_by(altered(**log)) == (set() if is_in_order else {f"{LOG}.dates_in_order"})


def test_no_request_is_too_deep() -> None:
    text = '{"more": ' + "[" * 50_000 + '"]{"' + "]" * 50_000 + "}"
    response = json.dumps({"status": OK, "data": ONE | {"request": "deep"}})
    made = show(response_of(response.replace('"deep"', text)))
    assert Conversation(made).suspected == []


def test_the_names_of_units_and_entities_are_those_of_the_release() -> None:
    """From R18 on a unit has another name, and each release adds its entities."""
    units = {"log_information__created_by_unit": ..., "log_information__updated_by_unit": ...}
    new = {"log_information__created_by_business_unit": ONE["log_information"]["created_by_unit"]}
    assert broken_by(ONE, "R18") == {f"{LOG}.business_units"}
    assert broken_by(altered(**units, **new), "R18") == set()
    assert broken_by(altered(**units, **new), "R9") == {f"{LOG}.units"}
    assert broken_by(altered(entity="LEADS"), "R14") == set()
    assert broken_by(altered(entity="REWARDOFFERS"), "R13") == set()


def test_fields_set_is_held_to_what_it_names() -> None:
    for names, fields_set, broken in (
        ("id,url", "url", set()),  # id may come along unasked
        ("url", "url,error_code", set()),  # unset, and so left out
        ("url,number", "url", {"fields_set.selects"}),
        ("url", "url,number", {"fields_set.selects"}),
        ("url,number", "url, number", set()),  # how a space is read stands nowhere
        ("url,number", "nosuch", set()),
        ("url", "", set()),
    ):
        shown = {name: ONE[name] for name in names.split(",")}
        assert broken_by(shown, fields_set=fields_set) == broken


def test_each_is_listed_once_and_has_names_of_its_own() -> None:
    """The same one twice is a duplicate. Two with one id or number break other statements."""
    for other, statements in (
        (record(2), []),
        (ONE, ["list.no_duplicates"]),
        (record(2, id=ONE["id"]), ["response.id.names_one"]),
        (record(2, number="1"), ["response.number.names_one"]),
    ):
        assert Conversation(listed([ONE, other])).suspected == statements


def part(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def jwt(header: Any = None, **changed: Any) -> str:
    """Return a JSON Web Token; its claims may be others, and ``...`` takes one away."""
    claims = {"jti": "a", "usr": "u", "org": "o", "oun": "1", "exp": "7200", "iat": "0"} | changed
    left = {name: value for name, value in claims.items() if value is not ...}
    return f"{part(header or {'typ': 'JWT', 'alg': 'HS256'})}.{part(left)}.{part('signature')}"


TOKENS: list[tuple[str, str | None]] = [
    (jwt(), None),
    (jwt(exp=7200, iat=0), None),
    (jwt(exp=7200, iat=0.75), None),
    (jwt(exp="7199.5", iat="0"), None),
    (jwt(exp=7199, iat=0), "jwt_times"),
    (jwt(exp="7200.5.5"), "jwt_times"),
    (jwt(exp="7300"), "jwt_times"),
    (jwt(exp=10**400), "jwt_times"),
    (jwt(exp="9" * 5000), "jwt_times"),
    (jwt(exp=True), "jwt_times"),
    (jwt(exp="٧٢٠٠"), "jwt_times"),
    (jwt(jti=...), "jwt_claims"),
    (jwt(exp=...), "jwt_claims"),
    (jwt({"typ": "JWT", "alg": "none"}), "jwt_header"),
    ("A" * 64, "jwt"),
    (f"{part([])}.{part({})}.{'x' * 40}", "jwt"),
    (f"{part({})}.{part('[' * 3000 + ']' * 3000)}.xxxx", "jwt"),
    ("é.é.é" * 20, "jwt"),
    ("\ud800.a.a", "jwt"),
]  # fmt: skip


def test_tokens_are_web_tokens_from_r12_on() -> None:
    """Each flaw of a token is put to its statement; before R12 any text will do."""
    for token, flaw in TOKENS:
        made = logged("token", LOGIN, ok({"token": token}))
        expected = [] if flaw is None else [f"login.token.{flaw}"]
        assert Conversation(made, release="R12").suspected == expected, token
        assert Conversation(made, release="R11").suspected == []


LOGINS: list[tuple[Entry, str | None]] = [
    *((logged("token", LOGIN, ok(data)), "login.token.returns_token")
      for data in (*NOTHING, {"token": ""}, {"token": 5}, 5)),
    (logged("token", LOGIN | {"password": "x"},
          response_of({"status": ERROR, "data": {"token": "A"}}, 401)), "login.credentials"),
    *((logged("token_release", {"token": TOKEN}, ok(data)), None) for data in NOTHING),
]  # fmt: skip


def test_a_login_returns_a_token_and_a_release_anything() -> None:
    """A login that is refused has no token; one example shows what a release returns."""
    for made, statement in LOGINS:
        expected = [] if statement is None else [statement]
        assert Conversation(made, release="R10").suspected == expected, made["response"]
