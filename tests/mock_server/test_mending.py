"""Every refused call is told the smallest change that makes it right, and made, it does."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.calls import Teller
from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.mock_server.fastlane import FastLane
from crmcom_kit.mock_server.mending import Change
from crmcom_kit.mock_server.mending.finding import MENDS
from crmcom_kit.mock_server.mending.mend import YOURS
from crmcom_kit.schemas import API_PATH, load_dialect
from crmcom_kit.schemas.dialect import error_kinds

TOKEN = "a-token-of-tests"
NOON = datetime(2016, 5, 4, 12, tzinfo=UTC)
SHOW, LIST = "webhook_requests/show", "webhook_requests/list"
RESEND, DELETE = "webhook_requests/resend", "webhook_requests/delete"
LOGIN = "authentication/token"
RIGHT = {"username": "mpadministrator", "password": "crmcom-kit", "organisation": "CRMDEMO"}


class Asked(NamedTuple):
    """A call that can be changed."""

    verb: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None  # bytes as they stand; anything else as JSON
    headers: Mapping[str, str] = MappingProxyType({})

    def changed(self, change: Change) -> "Asked":
        """Return the call with one change made."""
        name, value = change.parameter, change.value
        if change.action == "verb":
            return self._moved(value)
        if change.action == "path":
            return self._replace(path=value)
        if change.action == "body":
            return self._replace(body=value)
        if change.action == "header":
            return self._replace(headers={**self.headers, name: value})
        if change.action == "leave out" and name in ("body", "query"):
            return self._replace(**{name: None if name == "body" else ()})
        return self.with_(name, None if change.action == "leave out" else _yours(name, value))

    def with_(self, name: str, value: Any) -> "Asked":
        """Return the call with one value for a parameter, or without it."""
        if self.verb == "GET":
            query = tuple(pair for pair in self.query if pair[0] != name)
            if isinstance(value, dict):
                value = ",".join(f"{field}={text}" for field, text in value.items())
            return self._replace(query=query if value is None else (*query, (name, value)))
        body = json.loads(self.body) if isinstance(self.body, bytes) else dict(self.body or {})
        body.pop(name, None)
        return self._replace(body=body if value is None else {**body, name: value})

    def _moved(self, verb: str) -> "Asked":
        if verb == "GET":
            moved = self._replace(verb=verb, body=None)
            for name, value in ({} if isinstance(self.body, bytes) else self.body or {}).items():
                moved = moved.with_(name, value)
            return moved
        body = {} if isinstance(self.body, bytes) else self.body or {}
        moved = self._replace(verb=verb, query=(), body=body)
        for name, value in self.query:
            field, equals, text = value.partition("=")
            moved = moved.with_(name, {field: text} if equals else value)
        return moved


def _yours(name: str, value: Any) -> Any:
    """Put in what only the caller knows."""
    return {"token": TOKEN, **RIGHT}[name] if value == YOURS else value


class Asker:
    """Asks a mock, and knows what it told."""

    def __init__(self, release: str = "R13", dialect: Any = "default", **more: Any) -> None:
        clock = FixedClock(NOON)
        self.world = make_world(
            release=release, dialect=dialect, tokens=[TOKEN], clock=clock, **more
        )
        self.client = create_app(self.world).test_client()

    def ask(self, asked: Asked) -> Any:
        """Return the answer."""
        query = "&".join(f"{name}={quote(str(value), safe='=')}" for name, value in asked.query)
        body = asked.body
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        url = f"{API_PATH}/{asked.path}?{query}"
        return self.client.open(url, method=asked.verb, data=body, headers=dict(asked.headers))

    def told(self) -> Any:
        """Return what is told of the last call."""
        return Teller(self.world).calls()[-1]


ASKER = Asker()


def fresh() -> Asker:
    """Return an asker whose world is as it was at the start."""
    ASKER.world.reset()
    return ASKER


def get(path: str, *more: tuple[str, str], **parameters: str) -> Asked:
    """A GET call with a token that holds."""
    return Asked("GET", path, (("token", TOKEN), *more, *parameters.items()))


def post(path: str, body: Any = None, **members: Any) -> Asked:
    """A POST call with a token that holds."""
    return Asked("POST", path, body={"token": TOKEN, **members} if body is None else body)


def show(identifier: str, *more: tuple[str, str], **parameters: str) -> Asked:
    """A call of show."""
    return get(SHOW, ("webhook_request_identifier", identifier), *more, **parameters)


def resend(**identifier: Any) -> Asked:
    """A call of resend."""
    return post(RESEND, webhook_request_identifier=identifier)


#: Calls with one mistake each: kind of error, call, what the mend says.
MISTAKES: list[tuple[str, Asked, str]] = [
    ("missing_token", Asked("GET", SHOW, (("webhook_request_identifier", "number=7"),)),
     "add token=... from POST authentication/token"),
    ("missing_token", show("number=7")._replace(
        query=(("token", ""), ("webhook_request_identifier", "number=7"))),
     "token=... from POST authentication/token"),
    ("missing_token", Asked("POST", RESEND, (("token", TOKEN),),
                            {"webhook_request_identifier": {"number": "7"}}),
     "move token from the query into the JSON body"),
    ("missing_token", Asked("GET", SHOW, (("webhook_request_identifier", "number=7"),),
                            headers={"Authorization": f"Bearer {TOKEN}"}),
     "give the token as the parameter token, not in the header"),
    ("invalid_token", Asked("GET", SHOW, (("token", "x"), ("webhook_request_identifier",
                                                           "number=7"))),
     "token=... of a new login (POST authentication/token)"),
    ("wrong_credentials", post(LOGIN, {**RIGHT, "username": "admin"}), '"username": "mpadm'),
    ("wrong_credentials", post(LOGIN, {**RIGHT, "password": "x"}), '"password": "..."'),
    ("wrong_credentials", post(LOGIN, {**RIGHT, "password": "x", "organisation": "y"}),
     '"organisation": "CRMDEMO" and "password": "..."'),
    ("unknown_unit", post(LOGIN, {**RIGHT, "unit": "x"}), "leave out unit"),
    ("missing_parameter", post(LOGIN, {"username": "mpadministrator", "organisation": "CRMDEMO"}),
     'add "password": "..."'),
    ("missing_parameter", post(LOGIN, {"user_name": "mpadministrator", "password": "crmcom-kit",
                                       "organisation": "CRMDEMO"}),
     "username instead of user_name"),
    ("no_identifier", get(SHOW), "add webhook_request_identifier=number="),
    ("no_identifier", show("7"), "webhook_request_identifier=number=7"),
    ("no_identifier", get(SHOW, number="7"), "webhook_request_identifier=number=7 instead of numb"),
    ("no_identifier", get(SHOW, identifier="number=7"), "webhook_request_identifier instead of id"),
    ("no_identifier", post(RESEND), 'add "webhook_request_identifier": {"number": "'),
    ("no_identifier", post(RESEND, number="7"), '{"number": "7"} instead of number'),
    ("no_identifier", resend(), '"webhook_request_identifier": {"number": "'),
    ("no_identifier", get(LIST, webhook_definition_identifier="x"), "webhook_definition_identifie"),
    ("several_identifiers", resend(number="7", id="x"), "leave out webhook_request_identifier.id"),
    ("several_identifiers", show("number=7", id="x"), "leave out id"),
    ("several_identifiers", show("number=7,id=x"), "webhook_request_identifier=number=7"),
    ("several_identifiers", show("number=7", ("webhook_request_identifier", "number=8")), "once: "),
    ("several_identifiers", post(DELETE, b'{"token": "a-token-of-tests", '
     b'"webhook_request_identifier": {"number": "7", "number": "7"}}'), '{"number": "7"}'),
    ("unknown_identifier_field", show("name=7"), "webhook_request_identifier=number=7"),
    ("unknown_identifier_field", resend(nummer="7"), '{"number": "7"} (REJECTED)'),
    ("unknown_identifier_field", resend(number="7", x="y"),
     "leave out webhook_request_identifier.x"),
    ("no_semi_optional", get(LIST), "add entity=ACTIVITIES"),
    ("no_semi_optional", get(LIST, entty="JOBS"), "entity instead of entty"),
    ("no_semi_optional", get(LIST, url="x"), "add entity=ACTIVITIES"),
    ("empty_value", show("number="), "webhook_request_identifier=number="),
    ("empty_value", get(LIST, entity=""), "entity=ACTIVITIES"),
    ("empty_value", get(LIST, entity="JOBS", url=""), "leave out url"),
    ("wrong_type", resend(number=7), '"webhook_request_identifier": {"number": "7"} (REJECTED)'),
    ("wrong_type", post(DELETE, webhook_request_identifier="number=7"), '{"number": "7"}'),
    ("wrong_type", post(RESEND, webhook_request_identifier={"number": "7"}, fields_set=3),
     "leave out fields_set"),
    ("wrong_type", post(RESEND, webhook_request_identifier={"number": "7"},
                        fields_set=["id", 3]), '"fields_set": "id"'),
    ("wrong_type", post(DELETE, {"token": 3, "webhook_request_identifier": {"number": "7"}}),
     '"token": "...", a text'),
    ("wrong_type", post(LOGIN, {**RIGHT, "unit": None}), "leave out unit"),
    ("invalid_value", show("number=7\t"), "webhook_request_identifier=number=7"),
    ("invalid_value", get(LIST, entity="JOBS\n"), "entity=JOBS"),
    ("invalid_value", get(LIST, entity="JOBS", url="\x7f"), "leave out url"),
    ("duplicate_parameter", get(LIST, ("entity", "JOBS"), ("entity", "JOBS")), "give entity once"),
    ("duplicate_parameter", show("number=7", ("token", "x")), "give token once"),
    ("unsupported_entity", get(LIST, entity="JOB"), "entity=JOBS instead of JOB"),
    ("unsupported_entity", get(LIST, entity="jobs"), "entity=JOBS instead of jobs"),
    ("unsupported_entity", get(LIST, entity="JOBS,ACTIVITIES"), "entity=JOBS instead of"),
    ("unsupported_entity", get(LIST, entity="qqqqqq"), "entity=ACTIVITIES"),
    ("bad_life_cycle_state", get(LIST, entity="JOBS", life_cycle_state="rejected"),
     "life_cycle_state=REJECTED instead of rejected"),
    ("bad_life_cycle_state", get(LIST, entity="JOBS", life_cycle_state="SUCCESS"),
     "life_cycle_state=SUCCESSFUL"),
    ("bad_life_cycle_state", get(LIST, entity="JOBS", life_cycle_state="q"),
     "leave out life_cycle_state"),
    ("bad_date", get(LIST, entity="JOBS", created_date="31/01/2016"), "created_date=2016-01-31"),
    ("bad_date", get(LIST, entity="JOBS", created_date="2016/1/31"), "created_date=2016-01-31"),
    ("bad_date", get(LIST, entity="JOBS", created_date="2016-01-31T10:00:00.5Z"),
     "created_date=2016-01-31T10:00:00 instead of"),
    ("bad_date", get(LIST, entity="JOBS", created_date="soon"), "leave out created_date"),
    ("bad_fields_set", show("number=7", fields_set="numbr,id"), "fields_set=number,id instead of"),
    ("bad_fields_set", show("number=7", fields_set="log_information.created_date"),
     "fields_set=log_information"),
    ("bad_fields_set", show("number=7", fields_set="qqqqqq"), "leave out fields_set"),
    ("bad_paging", get(LIST, entity="JOBS", number_of_results="10.0"), "number_of_results=10"),
    ("bad_paging", get(LIST, entity="JOBS", offset="-1"), "leave out offset"),
    ("bad_paging", get(LIST, entity="JOBS", number_of_results="many"), "leave out number_of_resul"),
    ("unknown_webhook_request", show("number=007"), "webhook_request_identifier=number=7"),
    ("unknown_webhook_request", show("number=#7"), "webhook_request_identifier=number=7"),
    ("unknown_webhook_request", show("id=7"), "webhook_request_identifier=number=7"),
    ("unknown_webhook_request", show("number=99999999"), "webhook_request_identifier=number="),
    ("unknown_webhook_request", resend(id="x"), "(REJECTED)"),
    ("unknown_webhook_definition", get(LIST, webhook_definition_identifier="id=x"),
     "webhook_definition_identifier=id="),
    ("unknown_workflow_rule", get(LIST, workflow_rule_identifier="name=x"),
     "workflow_rule_identifier=id="),
    ("not_rejected", resend(number="14"), "(REJECTED)"),
    ("bad_body", Asked("POST", RESEND, (("token", TOKEN), ("webhook_request_identifier",
                                                           "number=7"))),
     "move the parameters from the query into a JSON body"),
    ("bad_body", post(RESEND, b"token=a-token-of-tests&webhook_request_identifier=number=7"),
     "send the parameters as a JSON object, not as a form"),
    ("bad_body", post(RESEND, [{"token": TOKEN, "webhook_request_identifier": {"number": "7"}}]),
     "send the object itself, without the array around it"),
    ("bad_body", post(LOGIN, json.dumps(json.dumps(RIGHT)).encode()),
     "send the object itself, not a text that holds it"),
    ("bad_charset", post(RESEND, b"\xef\xbb\xbf" + json.dumps(
        {"token": TOKEN, "webhook_request_identifier": {"number": "7"}}).encode()),
     "leave out the byte order mark"),
    ("bad_charset", post(LOGIN, json.dumps(RIGHT).encode("utf-16")), "encode the body as UTF-8"),
    ("bad_charset", post(LOGIN, RIGHT)._replace(
        headers={"Content-Type": "application/json; charset=latin-1"}),
     "Content-Type: application/json; charset=utf-8"),
    ("unknown_method", show("number=7")._replace(path="webhook_request/show"),
     "GET webhook_requests/show"),
    ("unknown_method", show("number=7")._replace(path="show"), "GET webhook_requests/show"),
    ("unknown_method", show("number=7")._replace(path="webhook_requests/resnd"),
     "POST webhook_requests/resend"),
    ("wrong_verb", show("number=7")._replace(path=RESEND), "POST instead of GET, parameters in"),
    ("wrong_verb", resend(number="7")._replace(path=SHOW), "GET instead of POST, parameters in"),
    ("wrong_verb", show("number=7")._replace(path=DELETE, verb="DELETE"),
     "POST instead of DELETE"),
]  # fmt: skip

#: The same in a dialect of its own.
ODD: list[tuple[str, dict[str, Any], Asked, str]] = [
    ("unknown_parameter", {"requests.unknown_parameters": "strict"},
     get(LIST, entity="JOBS", odd="1"), "leave out odd"),
    ("unknown_parameter", {"requests.unknown_parameters": "strict"},
     get(LIST, entity="JOBS", life_cycle_stat="REJECTED"),
     "life_cycle_state instead of life_cycle_stat"),
    ("misplaced_parameter", {"requests.body_on_get": "error"},
     show("number=7")._replace(body={}), "leave out body"),
    ("misplaced_parameter", {"requests.query_on_post": "error"},
     resend(number="7")._replace(query=(("a", "b"),)), "leave out query"),
    ("definition_not_effective", {"resend.definition_not_effective": "error"},
     resend(number="21"), "(REJECTED), whose definition is effective"),
    ("bad_paging", {"paging.maximum_results": 5, "paging.over_maximum": "error"},
     get(LIST, entity="JOBS", number_of_results="9"), "number_of_results=5 instead of 9"),
    ("bad_paging", {"paging.zero": "error"},
     get(LIST, entity="JOBS", number_of_results="0"), "number_of_results=1 instead of 0"),
    ("bad_date", {"list.created_date.form": "date_time"},
     get(LIST, entity="JOBS", created_date="2016-01-31"), "created_date=2016-01-31T00:00:00"),
    ("bad_date", {"list.created_date.form": "date"},
     get(LIST, entity="JOBS", created_date="2016-01-31T10:00:00"), "created_date=2016-01-31 inst"),
    ("bad_fields_set", {"fields_set.duplicates": "error"},
     show("number=7", fields_set="id,id"), "fields_set=id instead of"),
    ("bad_fields_set", {"fields_set.empty": "error"},
     show("number=7", fields_set=""), "leave out fields_set"),
]  # fmt: skip

#: What no change of the call mends, and what is said then.
NOT_MECHANICAL: list[tuple[str, str, dict[str, Any], Asked, str]] = [
    ("unsupported_entity", "R13", {}, get(LIST, entity="REWARDOFFERS"), "start the mock with --"),
    ("unknown_method", "R9", {}, post("authentication/token/release"), "--release R10"),
    ("unknown_method", "R9", {}, get("x"), "a path of the API, such as webhook_requests/"),
    ("method_withdrawn", "R18", {"requests.deprecated_methods": "withdraw"}, show("number=7"),
     "start the mock with an older --release"),
    ("wrong_credentials", "R10", {}, Asked("POST", "authentication/web_api_key/token"),
     "the header Authorization: Basic base64(KEY:)"),
    ("bad_body", "R9", {}, post(RESEND, b"x"), "send a JSON object, such as"),
    ("bad_charset", "R9", {}, post(RESEND, b"\xff"), "encode the body as UTF-8"),
    ("bad_charset", "R9", {}, post(RESEND, b"\x1f\x8b"), "send the body uncompressed"),
    ("body_too_large", "R9", {}, post(RESEND, b" " * 2_000_000), "send at most 1048576 bytes"),
    ("invalid_value", "R9", {}, get(SHOW, *[("a", "b")] * 600), "at most 500 parameters"),
    ("delivery_failed", "R9", {"resend.failed": "error", "delivery.script": "timeout"},
     resend(number="7"), "resend it again once the receiver takes it"),
]  # fmt: skip


def ids(part: Any) -> str:
    """The name of a case."""
    return part if isinstance(part, str) else ""


def hold(asker: Asker, kind: str, asked: Asked, text: str) -> tuple[Change, ...]:
    """The call is refused with that kind and told that mend; return its changes."""
    answer = asker.ask(asked)
    told = asker.told()
    assert told.error is not None, answer.get_data(as_text=True)
    assert told.error.kind == kind
    mend = told.note.answer.mend
    assert text in mend.text
    assert answer.headers["X-Mock-Mend"].startswith(mend.text[:390].replace("…", "?"))
    assert told.near_miss["mend"] is not None
    assert len(told.near_miss["changes"]) == len(mend.changes)
    return tuple(mend.changes)


@pytest.mark.parametrize(("kind", "asked", "text"), MISTAKES, ids=ids)
def test_a_mended_call_succeeds(kind: str, asked: Asked, text: str) -> None:
    """A call with one mistake is told a mend; with its changes made, the call is served."""
    asker = fresh()
    for change in hold(asker, kind, asked, text):
        asked = asked.changed(change)
    answer = asker.ask(asked)
    assert answer.json["status"]["code"] == "OK", answer.json
    assert "X-Mock-Mend" not in answer.headers


@pytest.mark.parametrize(("kind", "changes", "asked", "text"), ODD, ids=ids)
def test_a_mended_call_succeeds_in_its_dialect(
    kind: str, changes: dict[str, Any], asked: Asked, text: str
) -> None:
    """What a dial refuses is mended as that dial wants it."""
    asker = Asker(dialect=load_dialect().changed(changes))
    for change in hold(asker, kind, asked, text):
        asked = asked.changed(change)
    assert asker.ask(asked).json["status"]["code"] == "OK"


@pytest.mark.parametrize(("kind", "release", "changes", "asked", "text"), NOT_MECHANICAL, ids=ids)
def test_what_no_change_mends_is_said(
    kind: str, release: str, changes: dict[str, Any], asked: Asked, text: str
) -> None:
    """Where the mock would have to be started otherwise, or time to pass, the mend says that."""
    asker = Asker(release, load_dialect().changed(changes))
    assert hold(asker, kind, asked, text) == ()


def test_an_unknown_number_is_mended_by_the_one_beside_it() -> None:
    """Where the number before or after is there, it is that one; else any that is there."""
    asker = fresh()
    last = max(int(record["number"]) for record in _records(asker))
    hold(asker, "unknown_webhook_request", show(f"number={last + 1}"), f"number={last}")
    hold(asker, "unknown_webhook_request", show("number=99999999"), "number=")


def test_tokens_that_are_over_are_mended_by_another() -> None:
    """An expired and a released token are told of a new login."""
    asker = Asker("R10")
    token = asker.ask(post(LOGIN, RIGHT)).json["data"]["token"]
    asked = Asked("GET", SHOW, (("token", token), ("webhook_request_identifier", "number=7")))
    assert asker.ask(post("authentication/token/release", {"token": token})).json["data"] == {}
    (change,) = hold(asker, "released_token", asked, "of a new login")
    assert asker.ask(asked.changed(change)).json["status"]["code"] == "OK"
    token = asker.ask(post(LOGIN, RIGHT)).json["data"]["token"]
    asked = Asked("GET", SHOW, (("token", token), ("webhook_request_identifier", "number=7")))
    asker.world.tokens.expire(token)
    hold(asker, "expired_token", asked, "of a new login")


def test_every_kind_has_a_mend_that_is_tried() -> None:
    """No kind of error is without a mend, and each is tried here, but for a resend under way."""
    tried = {row[0] for row in MISTAKES} | {row[0] for row in ODD}
    tried |= {row[0] for row in NOT_MECHANICAL}
    tried |= {"expired_token", "released_token", "resend_under_way"}
    assert MENDS.keys() == error_kinds().keys()
    assert tried == error_kinds().keys()


def test_a_resend_that_nothing_can_be_resent_for_is_told_so() -> None:
    """Where no record is REJECTED any more, the mend says that."""
    asker = Asker()
    rejected = [
        record["number"] for record in _records(asker) if record["life_cycle_state"] == "REJECTED"
    ]
    for number in rejected:
        assert asker.ask(resend(number=number)).json["status"]["code"] == "OK"
    assert hold(asker, "not_rejected", resend(number="7"), "nothing is REJECTED") == ()


def test_an_empty_world_has_no_record_to_name() -> None:
    """Without any record, an unknown one cannot be mended by another."""
    asker = Asker(data=())
    asked = show("number=7")
    assert hold(asker, "unknown_webhook_request", asked, "there is none that this call") == ()


def _records(asker: Asker) -> list[Any]:
    from crmcom_kit.mock_server.store import Query

    return [json.loads(body) for body in asker.world.store.query(Query(indexed=()))]


texts = st.text(max_size=30)
values: st.SearchStrategy[Any] = st.one_of(
    texts, st.integers(), st.none(), st.booleans(), st.lists(texts, max_size=2),
    st.dictionaries(st.sampled_from(["id", "number", "name", "x"]), st.one_of(texts, st.integers()),
                    max_size=3),
)  # fmt: skip
names = st.sampled_from(
    ["token", "webhook_request_identifier", "entity", "fields_set", "life_cycle_state", "number",
     "created_date", "number_of_results", "offset", "identifier", "username", "unit", "password"]
)  # fmt: skip
paths = st.one_of(st.sampled_from([SHOW, LIST, RESEND, DELETE, LOGIN, "x"]), texts)
gets = st.builds(
    lambda path, pairs, token: Asked(
        "GET", quote(path), ((("token", TOKEN),) if token else ()) + tuple(pairs)
    ),
    paths,
    st.lists(st.tuples(names, st.one_of(texts, st.sampled_from(["number=7", "id=x", "JOBS"]))),
             max_size=3),
    st.booleans(),
)  # fmt: skip
posts = st.builds(
    lambda path, body: Asked("POST", quote(path), body=body),
    paths,
    st.one_of(st.binary(max_size=40), st.dictionaries(names, values, max_size=3)
              .map(lambda members: {"token": TOKEN, **members})),
)  # fmt: skip


@given(st.one_of(gets, posts).filter(lambda asked: b"\\ud" not in json.dumps(str(asked)).encode()))
@settings(max_examples=300)
def test_any_call_gets_a_mend_that_a_header_can_carry(asked: Asked) -> None:
    """Whatever is asked: no failure, a mend exactly where there is an error, printable, bounded."""
    answer = ASKER.ask(asked)
    told = ASKER.told()
    mend = answer.headers.get("X-Mock-Mend")
    assert (mend is not None) == (told.error is not None)
    if mend is not None:
        assert re.fullmatch("[ -~]{4,400}", mend)
        assert told.near_miss["mend"]


@given(st.one_of(gets, posts).filter(lambda asked: b"\\ud" not in json.dumps(str(asked)).encode()))
@settings(max_examples=150)
def test_mending_comes_to_an_end(asked: Asked) -> None:
    """A call with several mistakes becomes right by mending it again and again, or needs words."""
    seen = []
    for _ in range(12):
        answer = ASKER.ask(asked)
        if answer.json["status"]["code"] == "OK":
            return
        mend = ASKER.told().note.answer.mend
        if not mend.changes:
            return
        for change in mend.changes:
            asked = asked.changed(change)
        seen.append(mend.text)
    pytest.fail(f"{asked} is not right after {seen}")


def _lane(asker: Asker, query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    lane = FastLane(asker.client.application, asker.world)
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": f"{API_PATH}/{SHOW}",
        "QUERY_STRING": query,
    }
    lane(environ, lambda _, headers, *__: found.update(headers))
    return found


def test_both_shells_give_the_same_mend() -> None:
    """The lane's answer has the header that Flask's has."""
    asker = Asker()
    for query in ("", f"token={TOKEN}", f"token={TOKEN}&webhook_request_identifier=number=0"):
        answer = asker.client.get(f"{API_PATH}/{SHOW}?{query}")
        assert _lane(asker, query)["X-Mock-Mend"] == answer.headers["X-Mock-Mend"]


@pytest.mark.parametrize(
    ("changes", "before"),
    [
        ({}, None),
        ({"errors.mend_in_description": True}, ""),
        ({"errors.mend_in_description": True, "errors.description": "null"}, ""),
        ({"errors.mend_in_description": True, "errors.description": "detail"},
         "webhook_request_identifier.number: seen "),
    ],
)  # fmt: skip
def test_a_dial_brings_the_mend_into_the_description(
    changes: dict[str, Any], before: str | None
) -> None:
    """Off, the description is as ever; on, the mend stands in it, behind what is there."""
    asker = Asker(dialect=load_dialect().changed(changes))
    answer = asker.ask(show("number=0"))
    description = answer.json["status"]["description"]
    mend = answer.headers["X-Mock-Mend"]
    if before is None:
        assert description == ""
    else:
        assert description.startswith(before)
        assert description.endswith(mend)


def test_a_mend_is_not_told_to_a_call_that_a_fault_refused() -> None:
    """Only what the caller did wrong is a near miss."""
    asker = Asker()
    asker.ask(show("number=7"))
    assert asker.told().near_miss is None
