"""What is known of a server after what it has shown: records and filters, with bounds."""

import tracemalloc
import zlib
from itertools import chain
from typing import Any

import pytest
from helpers.conversations import Conversation, exchange, request
from helpers.recordings import (
    DONE,
    IDENTIFIER,
    LOGIN,
    ONE,
    THREE,
    TOKEN,
    TWO,
    changed,
    listed,
    logged,
    ok,
    record,
    refused,
    show,
)
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.contract_tests.belief import records as limits
from crmcom_kit.contract_tests.belief.index import Index
from crmcom_kit.contract_tests.belief.interpretations import (
    INTERPRETATIONS,
    SEMI_OPTIONAL,
    Fits,
    Identifier,
    Interpretation,
)
from crmcom_kit.contract_tests.belief.zones import ALL
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS

JOBS = {"entity": "JOBS"}
NUMBER_9 = '"webhook_request_identifier": {"number": "9"}'


def by_number(number: str) -> Identifier:
    return Identifier("number", number)


# Webhook requests.


def test_short_forms_are_merged_with_long_ones() -> None:
    """What an earlier sight showed stays known if a later one leaves it out."""
    short = record(1, log_information={"created_date": "2015-11-02T16:03:33"})
    conversation = Conversation(show(ONE), listed([short]))
    assert (
        conversation.belief.records.by_id[ONE["id"]].condensed["log_information"]
        == ONE["log_information"]
    )


def test_a_resend_leaves_open_what_a_response_does_not_show() -> None:
    """A queued or failed one may change by itself, until it is seen as SUCCESSFUL."""
    for response in (DONE, ONE, refused(), {"number": "1"}):
        conversation = Conversation(show(ONE), changed("resend", response))
        tracked = conversation.belief.records.by_id[ONE["id"]]
        assert tracked.may_change == (response != DONE)
        assert ("url" in tracked.certain) == (response == DONE)
        assert conversation.hear(show(DONE)).suspicions == []
        assert not tracked.may_change


def test_a_change_with_unknown_effect_makes_the_named_ones_unknown() -> None:
    conversation = Conversation(listed([ONE, TWO, THREE]), changed("delete", TWO))
    assert list(conversation.belief.records.by_id) == [THREE["id"]]
    conversation.oracle.lose(exchange(changed("resend", THREE, 3)).call)
    assert list(conversation.belief.records.by_id) == []
    assert conversation.belief.lists.full_lists == {}


def test_a_lost_change_may_have_named_one_in_any_way() -> None:
    for identifier in ({"id": ONE["id"]}, {"number": 1}, "1", {"id": "x", "number": "1"}):
        conversation = Conversation(listed([ONE, TWO]))
        made = logged("delete", {"token": TOKEN, IDENTIFIER: identifier}, ok({}))
        conversation.oracle.lose(exchange(made).call)
        assert list(conversation.belief.records.by_id) == [TWO["id"]]


def test_a_number_of_several_is_noted() -> None:
    """It counts only if both exist at the same time."""
    belief = Conversation(listed([ONE, record(2, number="1"), THREE])).belief
    assert belief.records.shared_numbers == {"1"}
    reused = Conversation(show(ONE), changed("delete", ONE), show(record(2, number="1"), 2))
    assert reused.belief.records.shared_numbers == set()


def test_an_empty_id_is_that_of_no_other_number() -> None:
    """A server may show an id that is empty; an unknown number does not name it."""
    belief = Conversation(listed([record(1, id="")])).belief
    assert belief.records.find(by_number("99")) is None


# Interpretations of the filters.


def left(conversation: Conversation, name: str) -> set[Any]:
    """Return the values of one member of the interpretations that are left."""
    return {
        getattr(interpretation, name)
        for interpretation in INTERPRETATIONS
        if conversation.belief.lists.exclusions.zones_left(interpretation)
    }


def test_a_list_rules_out_the_interpretations_that_it_contradicts() -> None:
    """The belief keeps the request of the list that ruled an interpretation out."""
    in_e2 = record(2, entity_id="E2")
    conversation = Conversation(listed([ONE, in_e2, THREE]))
    assert left(conversation, "combine") == {"all", "any"}
    conversation.hear(listed([ONE, in_e2, THREE], **JOBS, entity_id="E2"))
    assert left(conversation, "combine") == {"any"}
    conversation.hear(listed([ONE, in_e2, THREE], **JOBS, url=ONE["url"][1:]))
    assert left(conversation, "url") == {"contains"}
    exclusions = chain.from_iterable(conversation.belief.lists.exclusions.values())
    assert {exclusion.exchange for exclusion in exclusions} == {*conversation.exchanges[1:]}


def test_a_list_tests_only_filters_that_leave_something_out() -> None:
    """A server that ignores a filter that all webhook requests fit returns the same."""
    all_rejected = Conversation(listed([ONE]), listed([ONE], **JOBS, life_cycle_state="REJECTED"))
    assert not {statement for statement in all_rejected.held if statement.endswith(".filter")}
    activity = record(2, entity="ACTIVITIES", life_cycle_state="SUCCESSFUL")
    mixed = Conversation(
        show(activity), listed([ONE], **JOBS), listed([ONE], **JOBS, life_cycle_state="REJECTED")
    )
    assert "list.entity.filter" in mixed.held
    assert "list.life_cycle_state.filter" not in mixed.held  # its entity leaves it out as well
    two = [ONE, record(2, entity_id="E2")]
    either = Conversation(listed(two), listed(two, **JOBS, entity_id="E2"))
    assert "list.entity.filter" in either.held  # of two, one is enough: it has brought the first


def test_an_untracked_record_supports_no_suspicion() -> None:
    """A list that lacked it rules nothing out once it is gone, or was seen changed."""
    prefixed, others = record(1, url=f"{TWO['url']}/more"), [TWO, THREE, record(4)]
    longer = [record(at, entity="LEADS") for at in range(5, 12)]  # so the next one is not cut
    entries = (
        listed([prefixed, *others]), listed(longer, entity="LEADS", url=TWO["url"]),
        listed(others, **JOBS, url=TWO["url"]),
    )  # fmt: skip
    gone, changed = Conversation(*entries), Conversation(*entries)
    gone.belief.lose(THREE["id"])
    assert left(gone, "url") == left(changed, "url") == {"exact"}
    gone.belief.lose(prefixed["id"])
    changed.hear(show(prefixed | {"entity_id": "E9"}))
    assert left(gone, "url") == left(changed, "url") == {"exact", "prefix", "contains"}


def test_a_token_is_the_same_in_every_spelling() -> None:
    """Even one with a lone surrogate, percent-encoded or in JSON."""
    token = "\ud800é%"
    conversation = Conversation(listed([ONE]), logged("token", LOGIN, ok({"token": token})))
    coded = "%ED%A0%80%C3%A9%25"
    query = request("GET", f"webhook_requests/list?token={coded}&entity=JOBS")
    body = request("POST", "webhook_requests/delete", rf'{{"token": "\ud800\u00e9%", {NUMBER_9}}}')
    assert conversation.expected(query) == "serve entities.r9"
    assert conversation.expected(body) == "refuse identifier.known"


# Bounds.


def test_names_of_any_length_are_not_kept() -> None:
    """An id or a number beyond what any server has makes its webhook request unknown."""
    long = "9" * (limits.MAX_NAME + 1)
    belief = Conversation(listed([record(1, number=long), TWO, record(3, id=long)])).belief
    assert list(belief.records.by_id) == [TWO["id"]]


def test_no_more_than_the_maximum_are_tracked() -> None:
    conversation = Conversation()
    conversation.belief.records.max_count = 2
    conversation.hear(listed([ONE, TWO, THREE]))
    conversation.hear(listed([ONE, TWO]))
    assert list(conversation.belief.records.by_id) == [ONE["id"], TWO["id"]]
    assert conversation.belief.records.untracked_ids == {THREE["id"]}
    assert conversation.suspected == []
    conversation.hear(listed([ONE, TWO, record(3, url=5)]))
    assert conversation.suspected == ["response.url"]


def test_what_got_no_room_is_not_new_after_a_resend() -> None:
    """A list shows it that an earlier one left out: it may have existed before."""
    entries = listed([ONE, TWO]), changed("resend", DONE), listed([DONE, TWO, THREE])
    assert Conversation(*entries).suspected == ["resend.same_record"]
    conversation = Conversation()
    conversation.belief.records.max_count = 2
    for entry in (entries[0], show(THREE, 3), *entries[1:]):
        conversation.hear(entry)
    assert conversation.suspected == []


def test_bytes_of_what_is_replaced_lost_or_deleted_are_given_back() -> None:
    conversation, long = Conversation(), "x" * 1_500
    belief = conversation.belief
    belief.records.memory.max_bytes = 10_000
    for at in range(20):
        conversation.hear(show(record(1, entity_id=f"{long}{at}")))
    assert list(belief.records.by_id) == [ONE["id"]]
    others = [record(at, entity_id=f"{long}{at}") for at in range(2, 8)]
    conversation.hear(listed([record(1, entity_id=f"{long}19"), *others]))
    room, untracked = len(belief.records.by_id), {*belief.records.untracked_ids}
    assert 1 < room < 7
    assert len(untracked) == 7 - room
    belief.lose(ONE["id"])
    conversation.hear(show(next(other for other in others if other["id"] in untracked)))
    assert len(belief.records.by_id) == room
    conversation.hear(
        changed("delete", next(other for other in others if other["id"] in belief.records.by_id))
    )
    conversation.hear(
        show(next(other for other in others if other["id"] not in belief.records.by_id))
    )
    assert len(belief.records.condensed) == room
    assert belief.records.untracked_ids == untracked  # others may have changed it meanwhile


@pytest.mark.parametrize(
    "shown",
    [
        {"response": "x" * 100_000, "error_description": "No. " * 1_000},
        {f"member_{at}": "x" * 100 for at in range(100)},
    ],
)
def test_a_fortieth_of_20_000_webhook_requests_takes_2500_kilobytes(shown: dict[str, Any]) -> None:
    """Whatever members they have that no filter and no request uses."""
    belief, source = Conversation().belief, exchange(listed([ONE]))
    tracemalloc.start()
    try:
        for at in range(500):
            made = ONE | {"id": f"{at:032X}", "number": f"{at}", "entity_id": f"{at:040X}"}
            belief.see(made | {name: f"{text}{at}" for name, text in shown.items()}, "list", source)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(belief.records.by_id) == 500
    assert taken < 2_500_000


LONG = "The receiver did not respond, whatever was tried. "


def test_a_changed_long_value_is_reported_with_the_old_one() -> None:
    """Only a digest of it is known; the response that showed it still has it."""
    conversation = Conversation(show(record(1, error_description=LONG)))
    conversation.hear(listed([record(1, error_description=LONG)]))
    assert conversation.suspicions == []
    assert LONG not in str(conversation.belief.records.by_id[ONE["id"]].condensed)
    conversation.hear(show(record(1, error_description=LONG + LONG)))
    (suspicion,) = conversation.suspicions
    assert suspicion.expected == f"error_description of 1 unchanged: {LONG!r}"
    assert suspicion.seen == f"{LONG + LONG!r}, changed since request 2"
    conversation.hear(show(record(1, error_description=None) | {"error_description": LONG * 3}))
    assert len(conversation.suspicions) == 2


def test_what_is_left_out_is_suspect_each_time() -> None:
    less = record(1, log_information={"created_date": ONE["log_information"]["created_date"]})
    conversation = Conversation(listed([ONE]), *[show(less)] * 3)
    assert len(conversation.suspicions) == 3


def test_the_same_json_speaks_for_the_same_statements() -> None:
    """It is not compared again, but shows that a resend has left it as it was."""
    conversation = Conversation(listed([ONE, TWO]), *[listed([ONE, TWO])] * 2)
    again = conversation.hear(changed("resend", DONE))
    assert again.suspicions == []
    observation = conversation.hear(listed([DONE, TWO]))
    assert {"resend.single_result", "list.changes_nothing"} <= {*observation.held}
    assert conversation.belief.records.by_id[TWO["id"]].last_seen is observation.exchange
    changed_list = conversation.hear(listed([DONE, record(2, number="1")]))
    assert changed_list.suspicions != []


def test_a_very_long_filter_value_raises_no_suspicion() -> None:
    """Whether a filter selects it is unknown, and no request names it."""
    long = "x" * 2_001
    names = {"id": "D9", "name": long, "alternative_code": "C9"}
    conversation = Conversation(listed([record(1, entity_id=long, webhook_definition=names), TWO]))
    conversation.hear(listed([], **JOBS, entity_id=long))
    conversation.hear(listed([], webhook_definition_identifier={"name": long}))
    assert conversation.suspicions == []
    assert not conversation.belief.records.by_id[ONE["id"]].is_nameable


VALUES = st.sampled_from(["A", "a", "B", "", None, 5, [1]])
OBJECTS = st.none() | st.fixed_dictionaries({}, optional=dict.fromkeys(IDENTIFIER_FIELDS, VALUES))
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "entity": VALUES, "entity_id": VALUES, "webhook_definition": OBJECTS | VALUES,
        "workflow_rule": OBJECTS,
    },
)  # fmt: skip
NAMES = st.builds(Identifier, st.sampled_from(IDENTIFIER_FIELDS), st.sampled_from(["A", "a", "B"]))
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        name: NAMES if name.endswith("identifier") else st.sampled_from("AB")
        for name in SEMI_OPTIONAL
    },
)


@given(st.lists(RECORDS, max_size=6), FILTERS, st.sampled_from(INTERPRETATIONS))
def test_all_that_a_list_may_select_is_a_candidate(
    records: list[dict[str, Any]], filters: dict[str, Any], interpretation: Interpretation
) -> None:
    """A list is compared only with candidates. What was removed is none."""
    index, by_id = Index(), {str(at): made for at, made in enumerate(records)}
    for key, made in by_id.items():
        index.add(key, made)
    fits = Fits(filters, records)
    candidates = index.candidates(filters, interpretation.combine)
    if candidates is not None:
        misfits = dict(zip(by_id, fits.misfits(interpretation), strict=True))
        assert {key for key, zones in misfits.items() if zones != ALL} <= {*candidates}
    for key, made in by_id.items():
        index.remove(key, made)
    assert not [*(index.candidates(filters, interpretation.combine) or ())]


def test_a_long_list_is_not_unpacked_for_each_webhook_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A list of a few thousand would take minutes."""
    unpacked: list[bytes] = []
    unpack = zlib.decompress

    def noted(body: bytes) -> bytes:
        unpacked.append(body)
        return unpack(body)

    monkeypatch.setattr(zlib, "decompress", noted)
    conversation = Conversation(listed([record(at) for at in range(100)]))
    assert len(conversation.belief.records.by_id) == 100
    assert 0 < len(unpacked) < 10
