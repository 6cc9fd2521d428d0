"""Checks name the statement that a response breaks, and never alarm at a legal one."""

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from crmcom_kit.contract_tests.checks.checker import Checker, CheckFailed
from crmcom_kit.contract_tests.checks.history import MAX_WAITING

from crmcom_kit.contract_tests.belief.belief import World
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.oracle.sense import identifying_values
from crmcom_kit.schemas import resolve
from crmcom_kit.schemas.examples import examples
from crmcom_kit.schemas.methods import methods

#: The documents' own webhook request, as show answers with it.
EXAMPLE = next(iter(examples("show_answer", resolve("R9")).values()))["value"]

OK = {"code": "OK", "message": "", "description": ""}
ERROR = {"code": "E1", "message": "It does not exist.", "description": None}


def _checker(release: str = "R9") -> Checker:
    """Checks that know of nothing yet."""
    return Checker(World(resolve(release), knows_tokens=False))


def _exchange(
    answer: Any,
    method: str = "show",
    status: int = 200,
    parameters: Mapping[str, Any] | None = None,
) -> Exchange:
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    if parameters is None:
        parameters = _naming(answer)
    call = build(methods(resolve("R18"))[method], {"token": "T", **parameters})
    return Exchange(1, call, status, (), content, 0.0)


def _naming(answer: Any) -> dict[str, Any]:
    """Return parameters that name the webhook request in ``answer``, as far as it tells."""
    data = answer.get("data") if isinstance(answer, dict) else None
    key = data.get("id") if isinstance(data, dict) else None
    return {"webhook_request_identifier": {"id": key if isinstance(key, str) else "A"}}


def _judged(checker: Checker, exchange: Exchange) -> tuple[set[str], set[str]]:
    """Return the statements that are kept, and those that are broken."""
    kept, broken = set(), set()
    for verdict in checker.check(exchange)[1]:
        assert not isinstance(verdict, CheckFailed)
        if isinstance(verdict, Violation):
            assert verdict.expected
            broken.add(verdict.statement)
        else:
            kept.add(verdict)
    assert not kept & broken
    return kept, broken


def _record(**changed: Any) -> dict[str, Any]:
    record: dict[str, Any] = copy.deepcopy(EXAMPLE["data"])
    for name, value in changed.items():
        at, _, rest = name.partition("__")
        if rest:
            record[at][rest] = value
        else:
            record[at] = value
    return record


def _broken_by_show(record: Any, release: str = "R9", **parameters: Any) -> set[str]:
    answer = {"status": OK, "data": record}
    exchange = _exchange(answer, parameters=_naming(answer) | parameters)
    return _judged(_checker(release), exchange)[1]


UNNAMED: dict[str, Any] = {}
NAMED = {"webhook_request_identifier": {"id": "A"}}


@pytest.mark.parametrize(
    ("answer", "status", "parameters", "statement"),
    [
        (b"<html>", 500, NAMED, "errors.json"),
        (b"<html>", 200, NAMED, "envelope.json"),
        (b"<html>", 200, UNNAMED, "errors.json"),
        ([], 200, NAMED, "envelope.status"),
        ({"data": {}}, 200, NAMED, "envelope.status"),
        ({"status": {"code": "OK"}, "data": {}}, 200, NAMED, "envelope.status"),
        ({"status": {**ERROR, "message": 5}}, 200, NAMED, "envelope.status_texts"),
        ({"status": {**OK, "code": "ok"}, "data": {"url": "u"}}, 200, NAMED, "envelope.code_ok"),
        ({"status": {**OK, "code": None}}, 200, NAMED, "errors.code_not_ok"),
        ({"status": OK}, 404, NAMED, "errors.code_not_ok"),
        ({"status": {**OK, "message": "Not there"}}, 200, UNNAMED, "errors.code_not_ok"),
        ({"status": OK, "data": None}, 200, NAMED, "envelope.data_object"),
        ({"status": OK, "data": [{"id": "A"}]}, 200, NAMED, "envelope.data_object"),
        ({"status": OK, "data": [{"id": "A"}, {}]}, 200, NAMED, "show.single_result"),
    ],
)
def test_a_broken_envelope_is_told_alone(
    answer: Any, status: int, parameters: dict[str, Any], statement: str
) -> None:
    """Each flaw of an envelope is put to its own statement, and nothing follows of it."""
    exchange = _exchange(answer, status=status, parameters=parameters)
    broken = _judged(_checker(), exchange)[1]
    served = {"parameters.mandatory"} if parameters is UNNAMED else set()  # in spite of it
    assert {statement} <= broken <= {statement} | served


def test_the_message_of_every_success_tells_of_no_error() -> None:
    """Else a server that says of each success that it is one could leave nothing unrefused."""
    checker, said = _checker(), {**OK, "message": "Done as asked."}
    empty = _exchange({"status": said, "data": []}, "list", parameters=UNNAMED)
    assert "errors.code_not_ok" in _judged(checker, empty)[1]
    _judged(checker, _exchange({**EXAMPLE, "status": said}))
    assert "errors.code_not_ok" not in _judged(checker, empty)[1]


@pytest.mark.parametrize("data", [{}, None, "absent"])
@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_errors_are_free_in_status_code_and_data(data: Any, status: int) -> None:
    """An error may have any HTTP status and code, and hardly any data."""
    answer = {"status": ERROR} if data == "absent" else {"status": ERROR, "data": data}
    kept, broken = _judged(_checker(), _exchange(answer, status=status))
    assert not broken
    assert {"errors.json", "errors.code_not_ok"} <= kept


def test_a_gateway_is_no_server() -> None:
    """What a gateway says while the server is away is no answer of the server."""
    assert _judged(_checker(), _exchange(b"<html>", status=502)) == (set(), set())


@pytest.mark.parametrize("answer", [[], None, "absent"])
def test_an_empty_list_has_any_form(answer: Any) -> None:
    """An empty array, null and no data are all an empty list."""
    whole = {"status": OK} if answer == "absent" else {"status": OK, "data": answer}
    assert not _judged(_checker(), _exchange(whole, "list", parameters={"entity": "JOBS"}))[1]


def test_the_example_keeps_everything() -> None:
    """The documents' own webhook request is right, and tells of most statements."""
    kept, broken = _judged(_checker(), _exchange(EXAMPLE))
    assert not broken
    assert {"response.id", "fields_set.default_all", "envelope.data_object"} <= kept


LOG = "response.log_information"


@pytest.mark.parametrize(
    ("changed", "statement"),
    [
        ({"id": 5}, "response.id"),
        ({"number": 7}, "response.number"),
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
        ({"workflow_rule": {"id": 5}}, "response.workflow_rule.identifier_fields"),
        ({"log_information": []}, LOG),
        ({"log_information__created_date": "2016-02-30T00:00:00"}, f"{LOG}.date_form"),
        ({"log_information__updated_date": "2016-02-01T00:00:00.000"}, f"{LOG}.date_form"),
        ({"log_information__updated_date": "1999-01-01T00:00:00"}, f"{LOG}.dates_in_order"),
        ({"log_information__created_by_user": "me"}, f"{LOG}.users"),
        ({"log_information__created_by_user": {"id": "1", "username": 5}}, f"{LOG}.user_members"),
        ({"log_information__created_by_user": {"username": "x"}}, f"{LOG}.user_members"),
        ({"log_information__created_by_unit": {"id": "1", "name": "x", "description": 5}},
         f"{LOG}.unit_members"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_put_to_its_statement(changed: dict[str, Any], statement: str) -> None:
    """Whatever is wrong with one field breaks the statement of that field alone."""
    assert _broken_by_show(_record(**changed)) == {statement}


@pytest.mark.parametrize("field", ["error_code", "error_description"])
def test_only_rejected_ones_have_errors(field: str) -> None:
    """A SUCCESSFUL webhook request has no error; null and nothing are both none."""
    fine = {"life_cycle_state": "SUCCESSFUL", "error_code": None, "error_description": None}
    assert _broken_by_show(_record(**fine)) == set()
    assert _broken_by_show(_record(**{**fine, field: "x"})) == {f"response.{field}.only_rejected"}
    bare = _record(**fine)
    del bare[field]
    assert _broken_by_show(bare) == set()


@pytest.mark.parametrize(
    ("release", "home", "old", "new", "statement"),
    [
        ("R9", "", "entity_id", "entityId", "response.entity_id"),
        ("R9", "log_information", "created_date", "creation_date", f"{LOG}.dates"),
        ("R9", "log_information", "created_by_user", "created_by_users", f"{LOG}.users"),
        ("R9", "log_information", "created_by_unit", "created_by_business_unit", f"{LOG}.units"),
        ("R18", "log_information", "created_by_unit", "created_by_unit", f"{LOG}.business_units"),
    ],
)
def test_a_member_under_another_name_is_seen(
    release: str, home: str, old: str, new: str, statement: str
) -> None:
    """A member that is missing while one of nearly its name is there has been renamed."""
    record = _record()
    inside = record[home] if home else record
    inside[new] = inside.pop(old)
    if release == "R18":
        inside["updated_by_business_unit"] = inside.pop("updated_by_unit")
    assert _broken_by_show(record, release) == {statement}


def test_unknown_members_are_no_violation() -> None:
    """A record may have members that no page knows."""
    checker = _checker()
    record = _record(extra=1, log_information__nonce="x")
    assert not _judged(checker, _exchange({"status": OK, "data": record}))[1]


@pytest.mark.parametrize(
    ("names", "fields_set", "broken"),
    [
        (("id", "url"), "url", set()),  # id may come along unasked
        (("url",), "url,error_code", set()),  # unset, and so left out
        (("url", "number"), "url", {"fields_set.selects"}),
        (("url",), "url,number", {"fields_set.selects"}),
        (("url", "number"), "url, number", set()),  # how a space is read stands nowhere
        (("url", "number"), "nosuch", set()),
    ],
)
def test_fields_set_is_held_to_what_it_names(
    names: tuple[str, ...], fields_set: str, broken: set[str]
) -> None:
    """An answer has the fields that fields_set names, and only those."""
    record = {name: _record()[name] for name in names}
    assert _broken_by_show(record, fields_set=fields_set) == broken


@pytest.mark.parametrize("missing", ["number", "workflow_rule"])
def test_without_fields_set_no_field_may_be_missing(missing: str) -> None:
    """A field that always has a value is there."""
    record = _record()
    del record[missing]
    assert _broken_by_show(record) == {"fields_set.default_all"}


def test_a_list_has_each_one_once_and_names_are_unique() -> None:
    """Twice the same is a duplicate; one id or number with two is another thing."""
    one, other = _record(), _record(id="B" * 32, number="99")
    checker = _checker()

    def broken(*records: dict[str, Any]) -> set[str]:
        answer = {"status": OK, "data": list(records)}
        given = {"entity": one["entity"]}
        return _judged(_checker(), _exchange(answer, "list", parameters=given))[1]

    assert broken(one, other) == set()
    assert broken(one, one) == {"list.no_duplicates"}
    assert broken(one, {**other, "id": one["id"]}) == {"response.id.names_one"}
    assert broken(one, {**other, "number": one["number"]}) == {"response.number.names_one"}
    assert not _judged(checker, _exchange({"status": OK, "data": one}))[1]
    again = _exchange({"status": OK, "data": {**other, "number": one["number"]}})
    assert not _judged(checker, again)[1]  # the first one may be gone
    still = _exchange({"status": OK, "data": one})
    found = [each for each in checker.check(still)[1] if isinstance(each, Violation)]
    assert [each.statement for each in found] == ["response.number.names_one"]


def test_a_record_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was checked is looked up."""
    from crmcom_kit.contract_tests.checks import webhook_requests

    looked: list[Any] = []

    def counted(*given: Any) -> list[Any]:
        looked.append(given)
        return []

    monkeypatch.setattr(webhook_requests, "problems", counted)
    checker, exchange = _checker(), _exchange({"status": OK, "data": _record()})
    kept, broken = _judged(checker, exchange)
    kept |= {"show.changes_nothing", "errors.no_server_error"}  # the token is known to be valid now
    assert _judged(checker, exchange) == (kept, broken)
    assert len(looked) == 1


def test_an_encoded_equals_sign_may_be_refused() -> None:
    """The documents show ``number=7``; whether ``number%3D7`` is read is open."""
    shown, refused = _exchange(EXAMPLE), _exchange({"status": ERROR})
    given = {"webhook_request_identifier": {"id": EXAMPLE["data"]["id"]}}
    call = build(methods(resolve("R18"))["show"], {"token": "T", **given})
    encoded = replace(call, query=call.query.replace("identifier=id=", "identifier=id%3D"))
    for used, suspected in ((call, 1), (encoded, 0)):
        checker = _checker()
        _judged(checker, shown)
        assert not _judged(checker, replace(refused, call=used))[1]
        assert len(checker.refused) == suspected
    served = _judged(_checker(), replace(shown, call=encoded))
    assert "identifier.selects" in served[0]


def test_an_error_of_a_login_has_no_token() -> None:
    """A token in spite of an error lets somebody in."""
    given = {"username": "u", "password": "p", "organisation": "o"}
    answer = {"status": ERROR, "data": {"token": "A"}}
    assert (
        "login.credentials" in _judged(_checker(), _exchange(answer, "token", parameters=given))[1]
    )


def test_a_list_is_asked_for_by_the_reading_that_it_fits_best() -> None:
    """One that somebody deleted explains a list of a day; another reading would lack many."""
    checker = _checker()
    checker.lists.left.sort(key=lambda each: each.day != "from")
    days = ("2016-03-04", "2016-03-04", "2016-03-14", "2016-03-24")
    records = [
        _record(id=f"R{at}", number=str(at), log_information__created_date=f"{day}T12:00:00")
        for at, day in enumerate(days)
    ]
    entity = {"entity": records[0]["entity"]}
    checker.check(_exchange({"status": OK, "data": records}, "list", parameters=entity))
    asked = {**entity, "created_date": days[0]}
    checker.lists.is_sure = True  # what is known was looked at just now
    checker.check(_exchange({"status": OK, "data": records[:1]}, "list", parameters=asked))

    assert {each.record for each in checker.history.suspicions} == {"R1"}


def test_so_many_suspicions_wait_and_no_more() -> None:
    """A list in which all has changed: each is compared with those that wait."""
    checker = _checker()
    for url in ("https://example.com/a", "https://example.com/b"):
        records = [_record(id=f"R{at}", number=str(at), url=url) for at in range(MAX_WAITING + 50)]
        asked = {"entity": records[0]["entity"]}
        checker.check(_exchange({"status": OK, "data": records}, "list", parameters=asked))

    assert len(checker.history.suspicions) == MAX_WAITING


def test_what_may_name_a_webhook_request() -> None:
    """Identifiers count in every spelling; an empty text and a boolean name nothing."""
    given = [{"id": "A"}, "number=7", "b,c", 5, "", True, None]
    assert identifying_values(given) == {"A", "number=7", "7", "b,c", "b", "c", "5"}
