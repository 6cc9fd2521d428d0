"""What several exchanges together make suspect, and what explains it, the likeliest first."""

from collections.abc import Sequence
from typing import Any

from helpers.conversations import Conversation, hypotheses
from helpers.recordings import (
    DONE,
    IDENTIFIER,
    MOVED,
    ONE,
    THREE,
    TOKEN,
    TWO,
    TWO_DONE,
    Entry,
    changed,
    created,
    listed,
    logged,
    ok,
    record,
    refused,
    show,
)

JOBS, RULE = {"entity": "JOBS"}, {"name": ONE["workflow_rule"]["name"]}
CODE = ONE["webhook_definition"]["alternative_code"]
GONE = ["identifier.selects Disagree", "identifier.selects Refused"]
DISAGREE = "list.agrees_with_show Disagree"


def without(name: str) -> dict[str, Any]:
    return {field: value for field, value in ONE.items() if field != name}


def of_number(method: str, number: str, response: Any, **more: Any) -> Entry:
    """Return a request that names a webhook request by its number."""
    parameters = {"token": TOKEN, IDENTIFIER: {"number": number}, **more}
    return logged(method, parameters, response if isinstance(response, tuple) else ok(response))


def twice(response: Any) -> Entry:
    """Return a list that is asked for with two numbers of results."""
    made = listed(response, **JOBS, number_of_results=5)
    made["request"]["url"] += "&number_of_results=1"
    return made


def slash(response: Any) -> Entry:
    """Return a show whose method has a slash behind its name."""
    made = show(response)
    made["request"]["url"] = made["request"]["url"].replace("/show?", "/show/?")
    return made


#: What the last entry makes suspect.
SUSPECT: dict[str, tuple[Sequence[Entry], Sequence[str]]] = {
    # Of one response, which needs nothing more.
    "another one is shown": ([show(ONE), show(TWO)], ["identifier.selects Evident"]),
    "its number has changed": (
        [show(ONE), listed([record(1, number="9")])],
        ["response.id.names_one Evident", DISAGREE, "list.agrees_with_show Again"],
    ),
    "an unknown one is shown": ([of_number("show", "11", ONE)], ["identifier.known Evident"]),
    "a deleted one is shown": (
        [show(ONE), changed("delete", ONE), show(ONE)],
        ["delete.gone Evident"],
    ),
    "a deleted one is listed": (
        [show(ONE), of_number("delete", "1", {"number": "1"}, fields_set="number"), listed([ONE])],
        ["delete.gone Evident"],
    ),
    "more than asked for": (
        [listed([ONE, TWO], **JOBS, number_of_results=1)],
        ["list.paging.number_of_results Evident"],
    ),
    "a resend leaves the error": (
        [show(ONE), changed("resend", DONE | {"error_code": "X"})],
        ["response.error_code.only_rejected Evident", "resend.clears_error Evident"],
    ),
    # Refusals.
    "one is refused": ([show(ONE), show(refused())], GONE),
    "one is refused behind a slash": ([show(ONE), slash(refused())], []),
    "one is refused behind a slash, by a page": (
        [show(ONE), slash((404, "<h1>Not found</h1>"))],
        [],
    ),
    "another one is shown behind a slash": (
        [show(ONE), slash(TWO)],
        ["identifier.selects Evident"],
    ),
    "one is refused by number": (
        [show(ONE), of_number("show", "1", refused())],
        ["identifier.fields Refused", *GONE],
    ),
    "one is refused with fields_set": (
        [show(ONE), show(refused(), fields_set="id,url")],
        ["fields_set.names Refused", *GONE],
    ),
    "one is refused after another was deleted": (
        [listed([ONE, TWO]), changed("delete", TWO, 2), show(refused())],
        ["delete.single_result Effect"],  # nobody knows whether this user may call show at all
    ),
    "one is refused after its own resend": (
        [show(ONE), changed("resend", ONE), show(refused())],
        [GONE[0], "resend.same_record Effect", *GONE[1:]],
    ),
    "a delete is refused": (
        [show(ONE), changed("delete", refused())],
        ["identifier.fields RefusedChange", "delete.either_state RefusedChange"],
    ),
    "a list is refused": (
        [listed([ONE]), listed(refused())],
        ["list.optional_parameters Refused", "entities.r9 Refused"],
    ),
    "a list is refused by the name of a rule": (
        [listed([ONE]), listed(refused(), workflow_rule_identifier=RULE)],
        ["list.optional_parameters Refused", "list.workflow_rule_identifier.filter Refused"],
    ),
    "a successful one is sent again": (
        [show(TWO_DONE, 2), changed("resend", TWO_DONE, 2)],
        ["resend.only_rejected Effect", "resend.only_rejected Again"],
    ),
    # Sights.
    "show differs": ([show(ONE), show(MOVED)], [DISAGREE, "show.changes_nothing Again"]),
    "list differs": ([show(ONE), listed([MOVED])], [DISAGREE, "list.agrees_with_show Again"]),
    "a success has become a failure": (
        [show(DONE), show(ONE)],
        [DISAGREE, "show.changes_nothing Again"],
    ),
    "one differs after another was sent again": (
        [listed([ONE, TWO]), changed("resend", TWO_DONE, 2), show(MOVED)],
        [DISAGREE, "resend.single_result Effect", "show.changes_nothing Again"],
    ),
    "one differs after a refused resend of another": (
        [listed([ONE, TWO]), changed("resend", refused(), 2), show(MOVED)],
        [DISAGREE, "errors.change_nothing Effect", "show.changes_nothing Again"],
    ),
    "a resend had no effect": (
        [show(ONE), changed("resend", DONE), show(ONE)],
        [DISAGREE, "resend.sends_again Effect", "show.changes_nothing Again"],
    ),
    "a resend returned a success, and has failed otherwise": (
        [show(ONE), changed("resend", DONE), show(record(1, error_code="Y"))],
        [DISAGREE, "resend.returns_record Effect", "show.changes_nothing Again"],
    ),
    "a queued resend loses the rule": (
        [show(ONE), changed("resend", ONE), show(DONE | {"workflow_rule": {"id": "other"}})],
        [DISAGREE, "resend.identity_kept Effect", "resend.same_record Effect"],
    ),
    "a member is left out": (
        [show(ONE), show(without("error_code"))],
        ["fields_set.default_all Again"],
    ),
    "a named member is left out": (
        [show(ONE), show({"id": ONE["id"]}, fields_set="id,error_code")],
        ["fields_set.selects Again"],
    ),
    "a new one after a resend": (
        [listed([ONE]), changed("resend", DONE), listed([DONE, TWO])],
        ["resend.same_record Effect"],
    ),
    "a number is shown again with fields_set": (
        [show(ONE), show({"id": record(2)["id"], "number": "1"}, 2, fields_set="id,number")],
        ["response.number.names_one Again"],
    ),
    # What changes return.
    "a resend loses the rule": (
        [show(ONE), changed("resend", DONE | {"workflow_rule": {"id": "other"}})],
        ["resend.identity_kept Effect"],
    ),
    "a delete returns another entity": (
        [show(ONE), changed("delete", record(1, entity_id="E9"))],
        ["delete.returns_record Effect"],
    ),
    # Lists.
    "one that fits is missing": (
        [listed([ONE, TWO, THREE]), listed([ONE])],
        ["list.entity.filter Contradicted"],
    ),
    "one that fits several filters is missing": (
        [listed([ONE, TWO, THREE]), listed([ONE], **JOBS, life_cycle_state="REJECTED")],
        ["list.several_results Contradicted"],
    ),
    "short records are known not to fit": (
        [show(ONE), listed([{"id": ONE["id"]}], entity="ACTIVITIES", fields_set="id")],
        ["list.entity.filter Contradicted"],
    ),
    # Pages.
    "two pages have the same one": (
        [listed([ONE], **JOBS, number_of_results=1),
         listed([ONE], **JOBS, number_of_results=1, offset=1)],
        ["list.paging.offset PagesContradict"],
    ),
    "two pages have another one at one place": (
        [listed([ONE, TWO], **JOBS, number_of_results=2),
         listed([THREE, TWO], **JOBS, number_of_results=2, offset=1)],
        ["list.paging.offset PagesContradict"],
    ),
    "a page is short": (
        [listed([ONE, TWO, THREE]), listed([ONE], **JOBS, number_of_results=2)],
        ["list.paging.number_of_results TooFew"],
    ),
    "a list without ids is short": (
        [listed([ONE, TWO, THREE]), listed([{"entity": "JOBS"}], **JOBS, fields_set="entity")],
        ["list.entity.filter TooFew"],
    ),
    "a page is empty": (
        [listed([ONE, TWO, THREE]), listed([], **JOBS, offset=1)],
        ["list.paging.offset TooFew"],
    ),
}  # fmt: skip


def last_hypotheses(entries: Sequence[Entry]) -> list[str]:
    """Return all hypotheses about the last entry; the entries before must make nothing suspect."""
    *before, last = entries
    conversation = Conversation(*before)
    assert conversation.suspicions == []
    suspicions = conversation.hear(last).suspicions
    return [text for suspicion in suspicions for text in hypotheses(suspicion)]


def test_a_suspicion_names_what_may_explain_it() -> None:
    outcomes = {name: last_hypotheses(entries) for name, (entries, _) in SUSPECT.items()}
    assert outcomes == {name: expected for name, (_, expected) in SUSPECT.items()}


ODD_RULE = record(1, workflow_rule=None)
OPEN: dict[str, Sequence[Entry]] = {
    "a resend is queued": [
        *(show(ONE), changed("resend", ONE), show(ONE), listed([ONE]), show(DONE), listed([DONE])),
    ],
    "a resend fails in another way": [
        *(show(ONE), changed("resend", refused(500)), show(record(1, error_code="Y"))),
    ],
    "a resend renews request, code and date": [
        show(ONE),
        changed("resend", DONE | {"request": "A" * 32, "authentication_code": "B"}),
    ],
    "a resend with fields_set shows little": [
        *(show(ONE), of_number("resend", "1", {"number": "1"}, fields_set="number"), show(DONE)),
    ],
    "delete notes who deleted": [
        show(created("2016-10-03T10:00:00")),
        changed(
            "delete",
            record(1, log_information=ONE["log_information"] | {
                "created_date": "2016-10-03T10:00:00", "updated_date": "2016-10-04T10:00:00",
                "updated_by_user": {"id": "2", "username": "x"},
            }),
        ),
    ],
    "a second delete is served": [show(ONE), changed("delete", ONE), changed("delete", ONE)],
    "a deleted one is refused": [
        *(show(ONE), changed("delete", ONE), show(refused()), changed("resend", refused())),
        listed([]),
    ],
    "a number is used again": [
        *(show(ONE), changed("delete", ONE), show(record(2, number="1"), 2)),
        of_number("show", "1", record(2, number="1")),
    ],
    "somebody else adds one": [listed([ONE]), listed([ONE, TWO]), show(TWO, 2)],
    "what is short is as it was": [
        *(show(ONE), show({"id": ONE["id"], "url": ONE["url"]}, fields_set="id,url")),
        listed([{"number": "1"}], **JOBS, fields_set="number"),
    ],
    "short forms of objects": [
        *(show(ONE), listed([record(1, workflow_rule={"id": ONE["workflow_rule"]["id"]})])),
        *(show(ODD_RULE | {"id": TWO["id"], "number": "2"}, 2), show(ONE)),
    ],
    "request and response are made anew": [show(ONE), show(record(1, request={"a": 1}))],
    "an unknown definition is an error": [
        *(listed([ONE]), listed(refused(), webhook_definition_identifier={"name": "no such one"})),
    ],
    "entity_id alone is refused": [listed([ONE]), listed(refused(), entity_id="E1")],
    "a date is refused": [listed([ONE]), listed(refused(), **JOBS, created_date="2015-11-02")],
    "a large page is refused": [listed([ONE]), listed(refused(), **JOBS, number_of_results=500)],
    "an entity in another case selects": [listed([ONE]), listed([], entity="jobs")],
    "filters are combined as any": [
        listed([ONE, record(2, entity_id="E2")], **JOBS, entity_id="E1"),
    ],
    "url is a prefix": [listed([ONE]), listed([ONE], **JOBS, url=ONE["url"][:-3])],
    "a day in another zone": [
        listed([created("2016-10-03T23:30:00")], **JOBS, created_date="2016-10-04"),
    ],
    "a date selects from it on": [
        listed([created("2016-10-03T23:30:00")], **JOBS, created_date="2016-01-01"),
    ],
    "no list has more than two": [
        *(listed([ONE, TWO]), listed([TWO, THREE]), show(ONE), listed([ONE, TWO])),
    ],
    "several rules have one name": [
        listed([ONE, record(2, workflow_rule=ONE["workflow_rule"] | {"id": "other"})]),
        listed([ONE], workflow_rule_identifier=RULE),
    ],
    "an order that changes with each request": [
        listed([ONE], **JOBS, number_of_results=1),
        listed([TWO], **JOBS, number_of_results=1),
        listed([ONE], **JOBS, number_of_results=1, offset=1),
    ],
    "an order that depends on the size of a page": [
        listed([ONE, TWO, THREE]),
        listed([THREE, TWO], **JOBS, number_of_results=2),
        listed([ONE], **JOBS, number_of_results=1),
        listed([TWO], **JOBS, number_of_results=1, offset=1),
    ],
    "a maximum that depends on the filters": [
        listed([ONE, TWO, THREE]),
        listed([ONE, TWO], workflow_rule_identifier=RULE),
    ],
    "the name of a rule in another case": [
        listed([ONE]),
        listed([ONE], workflow_rule_identifier={"name": RULE["name"].swapcase()}),
    ],
    "the code of a definition in another case that finds nothing": [
        listed([ONE]),
        listed([], webhook_definition_identifier={"alternative_code": CODE.swapcase()}),
    ],
    "a list that finds nothing is refused": [
        listed([ONE]), listed(refused(), entity="ACTIVITIES"),
        listed(refused(), **JOBS, life_cycle_state="SUCCESSFUL"),
    ],
    "a page after a change": [
        *(listed([ONE, TWO, THREE]), changed("delete", ONE)),
        listed([THREE], **JOBS, number_of_results=1, offset=1),
    ],
    "a number of results that is given twice": [twice([ONE, TWO])],
}  # fmt: skip


def test_what_the_documents_leave_open_is_not_suspected() -> None:
    assert {name for name, entries in OPEN.items() if Conversation(*entries).suspected} == set()


def test_paging_is_of_r13() -> None:
    made = listed([ONE, TWO], **JOBS, number_of_results=1)
    assert Conversation(made, release="R12").suspected == []
    assert Conversation(made, release="R13").suspected == ["list.paging.number_of_results"]
    assert (
        Conversation(listed([ONE]), listed(refused(), **JOBS, offset=0), release="R12").suspected
        == []
    )


def test_a_suspicion_has_both_values_and_their_exchanges() -> None:
    conversation = Conversation(show(ONE), changed("delete", record(1, entity_id="E9")))
    (suspicion,) = conversation.suspicions
    assert (suspicion.expected, suspicion.seen) == ("entity_id of 1 unchanged: 'E1'", "'E9'")
    assert (suspicion.record_id, suspicion.symptom) == (ONE["id"], "entity_id")
    violation = suspicion.violation(suspicion.hypotheses[0])
    assert violation.exchanges == tuple(conversation.exchanges)


def test_a_list_is_compared_with_the_interpretation_that_it_fits_best() -> None:
    """It lacks one of those from a date on, and has two too many for those of a day."""
    days = ("2016-03-04", "2016-03-04", "2016-03-14", "2016-03-24")
    records = [created(f"{day}T12:00:00", at) for at, day in enumerate(days, 1)]
    conversation = Conversation(listed(records))
    kind = False, frozenset({"entity", "created_date"})
    conversation.belief.lists.max_lengths[kind] = 9  # no list is cut
    conversation.hear(listed(records[:1] + records[2:], **JOBS, created_date=days[0]))
    assert [suspicion.record_id for suspicion in conversation.suspicions] == [records[1]["id"]]


THREE_DONE = record(3, life_cycle_state="SUCCESSFUL")


def test_what_is_as_it_was_speaks_for_what_was_in_between() -> None:
    for before, statement in (
        ([show(ONE)], "show.changes_nothing"),
        ([listed([ONE])], "list.agrees_with_show"),
        ([listed([ONE]), changed("delete", refused())], "errors.change_nothing"),
        ([listed([ONE, TWO]), changed("delete", TWO, 2)], "delete.single_result"),
        ([listed([ONE, THREE]), changed("resend", THREE_DONE, 3)], "resend.single_result"),
    ):
        assert statement in Conversation(*before).hear(show(ONE)).held
