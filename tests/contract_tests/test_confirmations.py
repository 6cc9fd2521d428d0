"""How a suspicion is settled: what is asked, when it is confirmed, and when it is dismissed."""

from collections.abc import Sequence
from typing import Any

import pytest
from helpers.conversations import Conversation, Script
from helpers.recordings import changed, listed, record, refused, show

from crmcom_kit.contract_tests.oracle.suspicions import (
    Behind,
    Closely,
    Effect,
    Hypothesis,
    Suspicion,
)

ONE, TWO, THREE = record(1), record(2), record(3)
DONE, MOVED = record(1, life_cycle_state="SUCCESSFUL"), record(1, url="https://elsewhere.example")
JOBS = {"entity": "JOBS"}
NO = refused()
#: What is seen once more if others are at work.
AT_WORK = {"somebody's": "seen changed"}


def settled(
    conversation: Conversation, kind: str, answers: Sequence[Any]
) -> tuple[bool, list[str]]:
    """Settle the first hypothesis of a kind; return the outcome, and the methods asked."""
    suspicion, one = next(
        (suspicion, one)
        for suspicion in conversation.suspicions
        for one in suspicion.hypotheses
        if type(one.confirmation).__name__ == kind
    )
    script = Script(conversation, answers)
    confirmed = script.settle(suspicion, one)
    assert script.is_used_up
    return confirmed, [each.method for each in script.asked]


def test_what_one_response_shows_is_asked_for_no_more() -> None:
    """It is confirmed at once."""
    assert settled(Conversation(show(ONE), show(TWO)), "Now", []) == (True, [])


@pytest.mark.parametrize(
    ("answers", "others", "confirmed"),
    [
        ([ONE, NO], {}, True),
        ([ONE, ONE], {}, False),
        ([ONE, NO, ONE, NO], AT_WORK, True),
        ([ONE, NO, ONE, ONE], AT_WORK, False),
        ([NO, [], NO], {}, False),  # it was deleted
        ([NO, [ONE], NO], {}, True),
    ],
)
def test_a_refusal_is_asked_for_again_after_a_look(
    answers: Sequence[Any], others: dict[str, str], *, confirmed: bool
) -> None:
    """What is refused each time is refused; unless what it names is not there any more."""
    conversation = Conversation(listed([ONE, TWO]), show(NO))
    conversation.belief.others |= others
    assert settled(conversation, "Again", answers)[0] is confirmed


@pytest.mark.parametrize(
    ("answers", "confirmed"),
    [([NO, ONE, NO], True), ([ONE], False), ([NO, NO], False), ([NO, ONE, ONE], False)],
)
def test_of_two_requests_one_is_refused_each_time(
    answers: Sequence[Any], *, confirmed: bool
) -> None:
    """A parameter is to blame if the request is served without it, and never with it."""
    conversation = Conversation(show(ONE), show(NO, fields_set="id,url"))
    assert settled(conversation, "Refused", answers)[0] is confirmed


@pytest.mark.parametrize(
    ("answers", "confirmed"),
    [
        ([[ONE, TWO], ONE, [ONE]] * 2, True),
        ([[ONE]], False),  # it is wrong alone as well
        ([[ONE, TWO], ONE, [ONE, TWO]], False),  # it is right behind the other
    ],
)
def test_a_read_is_wrong_right_behind_another_one(
    answers: Sequence[Any], *, confirmed: bool
) -> None:
    """What one request leaves behind spoils the next one, and no other."""
    conversation = Conversation(listed([ONE, TWO]), show(ONE), listed([ONE]))
    (suspicion,) = conversation.suspicions
    behind = Hypothesis("list.entity.filter", Behind(conversation.exchanges[1].call))
    script = Script(conversation, answers)
    assert script.settle(suspicion, behind) is confirmed
    assert script.is_used_up


A, B, C, D = (record(1, url=f"https://example.com/{each}") for each in "abcd")
LOOKS: dict[str, tuple[Sequence[Any], str | None]] = {
    "show changes it": ([A, B, [B], B, C, [C], C], "show_changes"),
    "show turns it to and fro": ([A, B, [B], A, B, [B], A], "show_changes"),
    "list changes it": ([A, A, [A], B, B, [B], C], "list_changes"),
    "they disagree": ([A, A, [B], A, A, [B], A], "disagree"),
    "list has lost it": ([A, A, [], A, A, [], A], "disagree"),
    "it changed just before": ([B, B, [B], B, B, [B], B], None),
    "it changes meanwhile": ([A, A, [A], B, B, [B], B], None),
    "it is gone": ([NO, NO, [], NO, NO, [], NO], None),
    "show refuses it, and list has it": ([NO, NO, [A], NO, NO, [A], NO], "disagree"),
    "it is refused once": ([A, NO, [A], A, A, [A], A], None),
}


@pytest.mark.parametrize("name", LOOKS)
def test_looking_closely_tells_who_changes_a_webhook_request(name: str) -> None:
    """Seven looks tell whether show does, or list, or whether both always show another one."""
    answers, expected = LOOKS[name]
    conversation = Conversation(show(ONE), show(MOVED))
    (suspicion,) = conversation.suspicions
    script = Script(conversation, answers)
    of_reading = [e for e in suspicion.hypotheses if isinstance(e.confirmation, Closely)]
    found = {e.confirmation.what for e in of_reading if script.settle(suspicion, e)}  # type: ignore[attr-defined]
    assert found == ({expected} if expected else set())
    assert "".join(each.method[0] for each in script.asked) == "sslssls"


def test_what_cannot_be_listed_does_not_disagree() -> None:
    """Without an entity_id there is no list to look at."""
    bare = ONE | {"entity_id": ""}
    conversation = Conversation(show(bare), show(bare | {"url": "https://other.example"}))
    suspicion = conversation.suspicions[-1]
    script = Script(conversation, [bare] * 5)
    of_reading = [e for e in suspicion.hypotheses if isinstance(e.confirmation, Closely)]
    assert not any(script.settle(suspicion, each) for each in of_reading)
    assert len(script.asked) == 5


def effect(statement: str, symptom: str = "url") -> Suspicion:
    """Return a suspicion as a repetition of a change shows it."""
    one = Conversation(show(ONE)).exchanges[0]
    return Suspicion(one, "", "", (Hypothesis(statement, Effect(one)),), symptom=symptom)


SAME, ELSEWHERE = effect("delete.single_result"), effect("resend.single_result", "number")


@pytest.mark.parametrize(
    ("repeats", "others", "confirmed"),
    [
        ([[SAME], []], {}, True),
        ([[], [], [SAME], []], {}, True),  # not every change needs to show it
        ([[], [], [], [], [], []], {}, False),
        ([None], {}, False),
        ([[], [], None], {}, False),
        ([[SAME], [SAME]], {}, False),  # it comes while nothing is done, too
        ([[SAME], [ELSEWHERE]], {}, True),
        ([[SAME], None], {}, True),  # there is nothing to look at
        ([[SAME], [], [SAME], []], AT_WORK, True),
        ([[SAME], [], [], [], [SAME], []], AT_WORK, True),
        ([[SAME], [], [], [], [], [], [], []], AT_WORK, False),
    ],
)
def test_an_effect_is_seen_again_after_the_same_change_and_not_without_it(
    repeats: Sequence[Any], others: dict[str, str], *, confirmed: bool
) -> None:
    """Of a few repetitions some must show it, and none of the controls, which change nothing."""
    conversation = Conversation(listed([ONE, TWO]), changed("delete", TWO, 2))
    conversation.belief.others |= others
    script = Script(conversation, repeats=repeats)
    one = Hypothesis("delete.single_result", Effect(conversation.exchanges[-1], by_anybody=True))
    suspicion = Suspicion(conversation.exchanges[-1], "", "", (one,), symptom="url")
    assert script.settle(suspicion) is confirmed
    assert script.is_used_up
    assert script.repeated == [False, True] * (len(repeats) // 2) + [False] * (len(repeats) % 2)


def test_another_matter_that_a_repetition_shows_is_kept() -> None:
    """It is settled later; what the confirmation is about is not."""
    conversation = Conversation(listed([ONE, TWO]), changed("delete", TWO, 2))
    script = Script(conversation, repeats=[[SAME, ELSEWHERE], []])
    one = Hypothesis("delete.single_result", Effect(conversation.exchanges[-1], by_anybody=True))
    script.settle(Suspicion(conversation.exchanges[-1], "", "", (one,), symptom="url"))
    assert script.kept == [ELSEWHERE]


@pytest.mark.parametrize(
    ("by_anybody", "others", "confirmed"),
    [(True, {"url"}, False), (True, {"number"}, True), (False, {"url"}, True)],
)
def test_an_effect_that_others_have_as_well_is_nobodys(
    others: set[str], *, by_anybody: bool, confirmed: bool
) -> None:
    """What others were seen to do to webhook requests may be theirs again."""
    conversation = Conversation(listed([ONE, TWO]), changed("delete", TWO, 2))
    conversation.belief.done_by_others |= others
    one = Hypothesis("delete.single_result", Effect(conversation.exchanges[-1], by_anybody))
    suspicion = Suspicion(conversation.exchanges[-1], "", "", (one,), symptom="url")
    assert Script(conversation, repeats=[[SAME], []]).settle(suspicion) is confirmed


@pytest.mark.parametrize(
    ("answers", "confirmed"),
    [
        ([[ONE]] * 6, True),
        ([[ONE]] * 5 + [[TWO]], False),
        ([[ONE], [TWO]], False),
        ([NO], False),
    ],
)
def test_two_pages_must_come_as_before(answers: Sequence[Any], *, confirmed: bool) -> None:
    """If either page has other ones by now, the list has changed, or has no order."""
    first: dict[str, Any] = {**JOBS, "number_of_results": 1}
    second = first | {"offset": 1}
    conversation = Conversation(listed([ONE], **first), listed([ONE], **second))
    assert settled(conversation, "Ordered", answers)[0] is confirmed


@pytest.mark.parametrize(
    ("answers", "confirmed"),
    [
        ([TWO, [ONE, THREE]], True),
        ([TWO, [ONE, TWO, THREE]], False),
        ([NO, [TWO], [ONE, THREE]], True),  # list has it in another way
        ([NO, [], [ONE, THREE]], False),  # it is gone
        ([record(2, entity="ACTIVITIES"), [ONE, THREE]], False),  # it does not fit any more
    ],
)
def test_what_a_list_lacks_is_looked_at_first(answers: Sequence[Any], *, confirmed: bool) -> None:
    """A list is wrong if it lacks what was there a moment ago."""
    conversation = Conversation(listed([ONE, TWO, THREE]), listed([ONE, THREE]))
    assert settled(conversation, "Contradicted", answers)[0] is confirmed


OTHER = record(2, entity_id="E2")


@pytest.mark.parametrize(
    ("answers", "shows", "confirmed"),
    [
        ([[ONE, OTHER, THREE], OTHER, [ONE, THREE]], 1, True),
        # What the first list lacks now is looked at as well: it may have gone.
        ([[OTHER], ONE, OTHER, [ONE, THREE]], 2, False),
        ([[ONE, OTHER, THREE], record(2), [ONE, OTHER, THREE]], 1, False),
    ],
)
def test_lists_that_contradict_each_other_are_all_asked_for_again(
    answers: Sequence[Any], shows: int, *, confirmed: bool
) -> None:
    """What ruled out the interpretation that would explain the last list may be over by now."""
    conversation = Conversation(
        listed([ONE, OTHER, THREE]),
        listed([ONE, OTHER, THREE], **JOBS, entity_id="E2"),  # so they are combined as any
        listed([ONE, THREE], **JOBS, entity_id="E1"),  # so they are not
    )
    expected = confirmed, ["list", *["show"] * shows, "list"]
    assert settled(conversation, "Contradicted", answers) == expected


def created(moment: str, number: int) -> dict[str, Any]:
    """One that was created at a moment."""
    dates = {"created_date": moment, "updated_date": moment}
    return record(number, log_information=ONE["log_information"] | dates)


def test_what_is_gone_is_no_contradiction_of_lists() -> None:
    """Others delete one while a list is asked for again: that it lacks is another matter."""
    both = [created("2016-10-04T07:00:00", 1), created("2016-10-04T09:00:00", 2)]
    conversation = Conversation(
        listed(both),
        listed(both[:1], **JOBS, created_date="2016-10-04T07:00:00"),  # so it is a moment
        listed(both, **JOBS, created_date="2016-10-04T10:00:00"),  # so it is a day
    )
    answers = [both, both[1:]]
    assert not settled(conversation, "Contradicted", answers)[0]


def test_what_one_that_is_gone_ruled_out_is_possible_again() -> None:
    """Once a list is asked for again, what it lacks is looked at."""
    gone = created("2016-10-04T07:00:00", 1)
    of_day = [created("2016-10-05T00:30:00", 9), created("2016-10-05T23:30:00", 10)]
    conversation = Conversation(
        listed([gone, *of_day]),
        listed([], **JOBS, created_date="2016-10-04T07:30:00"),  # others have deleted it
        listed(of_day, **JOBS, created_date="2016-10-05T00:30:00"),
    )
    answers = [[], NO, [], of_day[0], of_day]
    assert not settled(conversation, "Contradicted", answers)[0]


@pytest.mark.parametrize(
    ("answers", "confirmed"),
    [([ONE], True), ([NO, []], False), ([record(1, entity="ACTIVITIES")], False)],
)
def test_what_short_records_are_known_to_be_is_looked_at_first(
    answers: Sequence[Any], *, confirmed: bool
) -> None:
    """It may have changed, or be gone: then the list is right."""
    short = [{"id": ONE["id"]}]
    conversation = Conversation(show(ONE), listed(short, entity="ACTIVITIES", fields_set="id"))
    assert settled(conversation, "Contradicted", [*answers, short])[0] is confirmed


def test_a_confirmation_makes_known_what_it_sees() -> None:
    """One that is gone is forgotten, so that it is not missed any more."""
    conversation = Conversation(listed([ONE, TWO, THREE]), listed([ONE, THREE]))
    settled(conversation, "Contradicted", [NO, [], [ONE, THREE]])
    assert list(conversation.belief.known) == [ONE["id"], THREE["id"]]
    assert conversation.hear(listed([ONE, THREE])).suspicions == []
