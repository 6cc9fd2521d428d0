"""What the documents want each kind of request to come to: served, refused, or either."""

import json
from base64 import b64encode
from collections.abc import Iterable
from typing import Any

from helpers.conversations import Conversation, request
from helpers.recordings import (
    EXAMPLE,
    IDENTIFIER,
    LOGIN,
    TOKEN,
    Entry,
    changed,
    listed,
    logged,
    login,
    ok,
    record,
    refused,
    show,
)

ONE, DONE, GONE, QUEUED = (
    record(1), record(2, life_cycle_state="SUCCESSFUL"), record(3), record(4),
)  # fmt: skip
SHOW = "webhook_requests/show"


def known(release: str = "R13", **given: bool) -> Conversation:
    """Return a conversation after which four are known: one deleted, and one that may change."""
    return Conversation(
        listed([ONE, DONE, GONE, QUEUED]), changed("delete", GONE, 3),
        changed("resend", QUEUED, 4), release=release, **given,
    )  # fmt: skip


def ask(method: str, identifier: Any = None, **given: Any) -> Entry:
    """Return a request with the token, of an identifier unless it is None."""
    named = {} if identifier is None else {IDENTIFIER: identifier}
    return logged(method, {"token": TOKEN, **named, **given}, refused())


def query(text: str) -> Entry:
    """Return a GET with the token and a query as it stands."""
    return request("GET", f"{SHOW}?token={TOKEN}&{text}")


def wrong(conversation: Conversation, rows: Iterable[tuple[Entry, str]]) -> list[str]:
    """Return the requests that come to something else than a table says, and to what."""
    outcomes = [(made["request"], conversation.expected(made), expected) for made, expected in rows]
    return [f"{made} -> {outcome}" for made, outcome, expected in outcomes if outcome != expected]


BY_ID = {"id": ONE["id"]}
KNOWN = f"webhook_request_identifier=id={ONE['id']}"
RULE, DEFINITION = "workflow_rule_identifier", "webhook_definition_identifier"


def test_an_identifier_that_names_no_single_one_is_refused() -> None:
    """The same of show, resend and delete: missing, empty, twice, of another field, unknown."""
    for identifier, statement in (
        (None, "parameters.mandatory"), ({}, "identifier.mandatory"),
        ({"id": ""}, "identifier.mandatory"),
        ({"id": ONE["id"], "number": "1"}, "identifier.exactly_one"),
        ({"name": "x"}, "identifier.fields"), ({"id": "F" * 32}, "identifier.known"),
        ({"number": "99"}, "identifier.known"),
    ):  # fmt: skip
        outcomes = [
            known().expected(ask(name, identifier)) for name in ("show", "resend", "delete")
        ]
        is_open = statement == "identifier.exactly_one"  # how would a query have both?
        refused = f"refuse {statement}"
        assert outcomes == ["either" if is_open else refused, refused, refused], identifier


NAMED_ONES: list[tuple[str, Any, dict[str, Any], str]] = [
    ("show", BY_ID, {}, "serve identifier.selects"),
    ("show", {"number": "1"}, {}, "serve identifier.selects"),
    ("show", {"number": "4"}, {}, "serve identifier.selects"),
    ("show", {"number": "3"}, {}, "refuse delete.gone"),
    ("show", BY_ID, {"fields_set": "id,url"}, "serve identifier.selects"),
    ("show", BY_ID, {"fields_set": "id, url"}, "either"),
    ("show", BY_ID, {"fields_set": "nosuch"}, "either"),
    ("show", BY_ID, {"another": "x"}, "either"),
    ("resend", BY_ID, {}, "either"),
    ("resend", {"number": "2"}, {}, "refuse resend.only_rejected"),
    ("resend", {"number": "3"}, {}, "refuse delete.gone"),
    ("delete", BY_ID, {}, "serve delete.either_state"),
    ("delete", {"number": "2"}, {}, "serve delete.either_state"),
    ("delete", {"number": "3"}, {}, "either"),
    ("delete", {"number": "4"}, {}, "either"),
    ("delete", {"number": 1}, {}, "either"),
    ("delete", "1", {}, "either"),
    ("delete", [BY_ID], {}, "either"),
    ("delete", {"id": ONE["id"], "name": "x"}, {}, "either"),
    ("delete", BY_ID, {"fields_set": "id"}, "serve delete.either_state"),
    ("delete", BY_ID, {"fields_set": ["id"]}, "either"),
]  # fmt: skip


def test_what_a_named_one_comes_to_depends_on_what_is_known() -> None:
    """Existing ones are served, deleted ones refused; deliveries and odd identifiers are open."""
    rows = ((ask(method, name, **more), expected) for method, name, more, expected in NAMED_ONES)
    assert wrong(known(), rows) == []


QUERIES: list[tuple[str, str]] = [
    (KNOWN, "serve identifier.selects"),
    (f"{IDENTIFIER}=id%3D{ONE['id']}", "either"),
    (f"{IDENTIFIER}=id={ONE['id'][:-1]}%31", "serve identifier.selects"),
    (f"{IDENTIFIER}={ONE['id']}", "either"),
    (f"{IDENTIFIER}=", "refuse identifier.mandatory"),
    (f"{IDENTIFIER}=id={ONE['id']},number=1", "either"),
    (f"{IDENTIFIER}=number=1,2", "refuse identifier.known"),
    (f"{KNOWN}&{KNOWN}", "either"),
    (f"{KNOWN}&token=U", "either"),
    (f"{IDENTIFIER}=id=%FF", "refuse identifier.known"),
]  # fmt: skip


def test_an_identifier_in_a_query_counts_as_it_is_written() -> None:
    """Only the form of the examples has to be read; how others are read is open."""
    assert wrong(known(), ((query(text), expected) for text, expected in QUERIES)) == []


VERBS_AND_PATHS: list[tuple[Entry, str]] = [
    (request("POST", f"{SHOW}?token={TOKEN}&{KNOWN}"), "refuse methods.verb"),
    (request("GET", "webhook_requests/delete"), "refuse methods.verb"),
    (request("GET", "authentication/token"), "refuse methods.verb"),
    (request("GET", f"{SHOW}/?token={TOKEN}&{KNOWN}"), "either"),
    (request("GET", f"{SHOW}/?token=U&{KNOWN}"), "refuse token.from_login"),
    (request("GET", "webhook_requests/shows"), "either"),
    (request("GET", "Webhook_Requests/show"), "either"),
    (request("GET", f"{SHOW}?token={TOKEN}&{KNOWN}", '{"url": "x"}'), "either"),
    (request("POST", "webhook_requests/delete", "no JSON"), "either"),
    (request("POST", "webhook_requests/delete", "[]"), "either"),
    (request("POST", "webhook_requests/delete?number=1", json.dumps(
        {"token": TOKEN, IDENTIFIER: BY_ID})), "either"),
]  # fmt: skip


def test_verbs_paths_and_places_are_as_documented() -> None:
    """Another verb is refused; another path, a body on GET and a query on POST are open."""
    assert wrong(known(), VERBS_AND_PATHS) == []


def test_a_token_must_be_one_that_is_valid() -> None:
    """Without a token, with one of no login and with a released one every method refuses."""
    for method in ("show", "list", "resend", "delete"):
        parameters = {"entity": "JOBS"} if method == "list" else {IDENTIFIER: BY_ID}
        conversation = known("R10")
        for sent, statement in (
            ({"token": ""}, "from_login"), ({"token": "U"}, "from_login"), ({}, "required"),
        ):  # fmt: skip
            made = logged(method, {**sent, **parameters}, refused())
            assert conversation.expected(made) == f"refuse token.{statement}"
        conversation.hear(logged("token_release", {"token": TOKEN}, ok({})))
        made = logged(method, {"token": TOKEN, **parameters}, refused())
        assert conversation.expected(made) == "refuse token_release.ends_token"


def test_a_token_that_may_have_ended_leaves_it_open() -> None:
    """From R12 on a release may be without effect, and an earlier login's token may end."""
    conversation = known("R12")
    conversation.hear(logged("token_release", {"token": TOKEN}, ok({})))
    assert conversation.expected(ask("show", BY_ID)) == "either"

    conversation = known("R9")
    conversation.hear(show(refused(401), token="U"))  # as a token of no login is refused
    conversation.hear(login("LATER"))
    assert conversation.expected(ask("show", BY_ID)) == "serve identifier.selects"
    assert conversation.hear(show(refused(401))).suspicions == []
    assert conversation.expected(ask("show", BY_ID)) == "either"


def test_a_token_in_a_header_is_open() -> None:
    """No page has a token in a header: such a request may be served or refused."""
    made = request("GET", f"{SHOW}?{KNOWN}", Authorization=f"Bearer {TOKEN}")
    assert known().expected(made) == "either"


def test_the_tokens_of_a_recording_may_be_older_than_it() -> None:
    """Where a login may be missing a token is open until it was served once."""
    conversation = Conversation(listed([ONE]), knows_tokens=False)
    made = logged("show", {"token": "U", IDENTIFIER: BY_ID}, ok(ONE))
    assert conversation.expected(made) == "either"
    conversation.hear(made)
    assert conversation.expected(made) == "serve identifier.selects"


NAMED = {"name": EXAMPLE["workflow_rule"]["name"]}


FILTERS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "R13", "refuse list.semi_optional.at_least_one"),
    ({"url": ONE["url"]}, "R13", "refuse list.semi_optional.at_least_one"),
    ({"created_date": "2015-11-02"}, "R13", "refuse list.semi_optional.at_least_one"),
    ({"entity": "JOBS"}, "R13", "serve entities.r9"),
    ({"entity": "LEADS"}, "R13", "refuse list.entity.supported_values"),
    ({"entity": "LEADS"}, "R14", "either"),  # none is known: it may be refused to find nothing
    ({"entity": "REWARDOFFERS"}, "R10", "refuse list.entity.supported_values"),
    ({"entity": "REWARDOFFERS"}, "R13", "either"),
    ({"entity": "jobs"}, "R13", "either"),
    ({"entity": ""}, "R13", "either"),
    ({"entity_id": "E1"}, "R13", "either"),
    ({"entity": "JOBS", "entity_id": "E1"}, "R13", "serve list.semi_optional.several_allowed"),
    ({"entity": "JOBS", "entity_id": "E7"}, "R13", "either"),
    ({RULE: NAMED}, "R13", f"serve list.{RULE}.filter"),
    ({RULE: {"name": "no such"}}, "R13", "either"),
    ({RULE: {"description": "x"}}, "R13", "refuse list.identifier.fields"),
    ({RULE: {}}, "R13", "either"),
    ({DEFINITION: {"id": "x", "name": "y"}}, "R13", "either"),
    ({"entity": "JOBS", "url": ONE["url"]}, "R13", "serve list.url.filter"),
    ({"entity": "JOBS", "url": ONE["url"][:-1]}, "R13", "either"),
    ({"entity": "JOBS", "life_cycle_state": "REJECTED"}, "R13",
     "serve list.life_cycle_state.filter"),
    ({"entity": "JOBS", "life_cycle_state": "PENDING"}, "R13",
     "refuse list.life_cycle_state.supported_values"),
    ({"entity": "JOBS", "life_cycle_state": "rejected"}, "R13", "either"),
    ({"entity": "JOBS", "created_date": "2015-11-02"}, "R13", "either"),
    ({"entity": "JOBS", "created_date": "02/11/2015"}, "R13", "either"),
    ({"entity": "JOBS", "fields_set": "id"}, "R9", "serve fields_set.names"),
    ({"entity": "JOBS", "fields_set": "id,id"}, "R9", "either"),
    ({"entity": "JOBS", "number_of_results": 1}, "R13", "serve list.paging.number_of_results"),
    ({"entity": "JOBS", "number_of_results": 1}, "R12", "either"),
    ({"entity": "JOBS", "number_of_results": 2}, "R13", "either"),
    ({"entity": "JOBS", "number_of_results": 0}, "R13", "either"),
    ({"entity": "JOBS", "number_of_results": "1e2"}, "R13", "either"),
    ({"entity": "JOBS", "number_of_results": "9" * 5000}, "R13", "either"),
    ({"entity": "JOBS", "offset": 0}, "R13", "serve list.paging.offset"),
    ({"entity": "JOBS", "offset": -1}, "R13", "either"),
]  # fmt: skip


def test_what_a_list_comes_to() -> None:
    """Documented parameters of the release with values that were shown are served."""
    for filters, release, expected in FILTERS:
        assert wrong(known(release), [(ask("list", **filters), expected)]) == []


def test_a_list_that_finds_nothing_may_be_refused_until_one_was_served() -> None:
    """No statement says that an empty list is served. One server always does it in one way."""
    conversation = Conversation(listed([ONE], entity="JOBS"), release="R14")
    leads = ask("list", entity="LEADS")
    assert conversation.expected(leads) == "either"
    assert conversation.expected(ask("list", entity="JOBS", offset=1)) == "either"
    assert conversation.expected(ask("list", entity="JOBS", offset=0)) == "serve list.paging.offset"
    conversation.hear(
        listed([], entity="JOBS", offset=1)
    )  # behind the end of a list that finds one
    assert conversation.expected(leads) == "either"
    conversation.hear(listed([], entity="JOBS", life_cycle_state="SUCCESSFUL"))
    assert conversation.expected(leads) == "serve entities.r14"


def basic(text: str, scheme: str = "Basic") -> Entry:
    coded = b64encode(text.encode()).decode()
    path = "authentication/web_api_key/token"
    return request("POST", path, Authorization=f"{scheme} {coded}")


LOGINS: list[tuple[Entry, str]] = [
    (logged("token", LOGIN, ok({})), "either"),
    (logged("token", LOGIN | {"unit": "1"}, ok({})), "either"),
    (logged("token", LOGIN | {"password": "x"}, ok({})), "refuse login.credentials"),
    (logged("token", LOGIN | {"username": ""}, ok({})), "refuse parameters.mandatory"),
    (logged("token", {}, ok({})), "refuse parameters.mandatory"),
    (logged("token", LOGIN | {"more": "x"}, ok({})), "either"),
    (basic("KEY:"), "either"),
    (basic("KEY", "basic"), "either"),
    (basic("KEX:"), "refuse login.credentials"),
    (basic(":KEY"), "refuse parameters.mandatory"),
    (basic("KEY:", "Bearer"), "refuse parameters.mandatory"),
    (logged("token_release", {}, ok({})), "refuse parameters.mandatory"),
    (logged("token_release", {"token": "U"}, ok({})), "either"),
]  # fmt: skip


def test_what_a_login_comes_to() -> None:
    """Wrong credentials are refused; right ones may be: a user may be locked, or have sessions."""
    assert wrong(Conversation(release="R10"), LOGINS) == []


def test_a_parameter_of_a_later_release_is_open() -> None:
    """fields_set of resend and delete came with R10."""
    made = ask("delete", BY_ID, fields_set="id")
    assert known("R9").expected(made) == "either"
    assert known("R10").expected(made) == "serve delete.either_state"


def test_a_deprecated_method_may_be_withdrawn() -> None:
    """In R18 it is held to the documents only once it has returned something."""
    nothing = Conversation(release="R18")
    assert nothing.expected(ask("list", entity="JOBS")) == "either"
    assert known("R18").expected(ask("list", entity="JOBS")) == "serve entities.r9"


def test_wrong_credentials_are_wrong_only_where_the_right_ones_are_known() -> None:
    """A recording does not say which login is right."""
    conversation = Conversation(knows_login=False, release="R10")
    assert conversation.expected(logged("token", LOGIN, ok({}))) == "either"
    assert conversation.expected(basic("KEX:")) == "either"
