"""How a suspicion is settled: what is asked, when it is confirmed, and when it is dismissed."""

from collections.abc import Sequence
from typing import Any

from helpers.conversations import Conversation, Script
from helpers.recordings import (
    DONE,
    MOVED,
    ONE,
    THREE,
    TWO,
    Entry,
    changed,
    created,
    listed,
    record,
    refused,
    show,
)

from crmcom_kit.contract_tests.oracle.confirmations import Effect, OnlyBehind
from crmcom_kit.contract_tests.oracle.suspicions import Suspicion

JOBS = {"entity": "JOBS"}
NO = refused()
#: What is seen once more if others are at work.
AT_WORK = {"somebody's": "seen changed"}


def settled(conversation: Conversation, kind: str, responses: Sequence[Any]) -> tuple[bool, str]:
    """Settle the first hypothesis of a kind; return the outcome, and "s" for show, "l" for list."""
    suspicion, hypothesis = next(
        (suspicion, hypothesis)
        for suspicion in conversation.suspicions
        for hypothesis in suspicion.hypotheses
        if kind in (name := type(hypothesis).__name__, f"{hypothesis.statement} {name}")
    )
    script = Script(conversation, responses)
    confirmed = script.settle(suspicion, hypothesis)
    assert script.is_used_up
    return confirmed, "".join(call.method[0] for call in script.asked)


REFUSED = (listed([ONE]), show(TWO, 2), show(NO))
OTHER_ENTITY, FORBIDDEN = record(3, entity="ACTIVITIES"), refused(403)
NO_JOBS = (listed([OTHER_ENTITY], entity="ACTIVITIES"), show(ONE), listed(NO))
SENT = [record(at, life_cycle_state="SUCCESSFUL") for at in (3, 4)]
OF_ENTITY, OF_STATE = "entities.r9 Refused", "delete.either_state RefusedChange"
NO_DELETE = (listed([ONE, TWO, *SENT]), changed("delete", NO))
ONE_FIELD = (show(ONE), show(NO, fields_set="id,url"))
FIRST: dict[str, Any] = {**JOBS, "number_of_results": 1}
PAGES = (listed([ONE], **FIRST), listed([ONE], **FIRST, offset=1))
SHORT_PAGE = (listed([ONE, TWO, THREE]), listed([ONE], **JOBS, number_of_results=2))
NO_ORDER = (listed([ONE, TWO, THREE]), listed([ONE], **JOBS, offset=1))
LACKS_TWO = (listed([ONE, TWO, THREE]), listed([ONE, THREE]))
SIX = [record(at) for at in range(1, 7)]
LACKS_SECOND = (listed(SIX), listed([*SIX[:1], *SIX[2:]]))
#: The list lacks another one each time.
LACKS_EACH = [item for at in range(1, 5) for item in (SIX[at], [*SIX[: at + 1], *SIX[at + 2 :]])]
LACKS_BOTH = (listed([ONE, TWO, THREE]), listed([ONE]))
OTHER = record(2, entity_id="E2")
ANY_AND_ALL = (
    listed([ONE, OTHER, THREE]),
    listed([ONE, OTHER, THREE], **JOBS, entity_id="E2"),  # so they are combined as any
    listed([ONE, THREE], **JOBS, entity_id="E1"),  # so they are not
)
SHORT = [{"id": ONE["id"]}]
BY_NUMBER = (listed([ONE]), show(DONE, webhook_request_identifier={"number": "1"}))
LIST_CHANGES = (show(ONE), listed([DONE]))
BY_NUMBER_AGAIN = "identifier.selects Again"
ELSEWHERE = (show(ONE), listed(SHORT, entity="ACTIVITIES", fields_set="id"))
BOTH = [created("2016-10-04T07:00:00", 1), created("2016-10-04T09:00:00", 2)]
MOMENT_AND_DAY = (
    listed(BOTH),
    listed(BOTH[:1], **JOBS, created_date="2016-10-04T07:00:00"),  # so it is a moment
    listed(BOTH, **JOBS, created_date="2016-10-04T10:00:00"),  # so it is a day
)
OF_DAY = [created("2016-10-05T00:30:00", 9), created("2016-10-05T23:30:00", 10)]
DELETED = (
    listed([BOTH[0], *OF_DAY]),
    listed([], **JOBS, created_date="2016-10-04T07:30:00"),  # others have deleted it
    listed(OF_DAY, **JOBS, created_date="2016-10-05T00:30:00"),
)


#: A conversation, a hypothesis, the responses to what is asked, whether it is confirmed, and what
#: was asked.
SETTLED: list[tuple[Sequence[Entry], str, Sequence[Any], bool, str]] = [
    # One response shows it, and nothing is asked.
    ((show(ONE), show(TWO)), "Evident", [], True, ""),
    # Shown is another one in turn, and what is refused is still listed.
    (REFUSED, "Refused", [TWO, NO, [ONE], NO] * 2, True, "ssls" * 2),
    (REFUSED, "Refused", [NO], False, "s"),
    (REFUSED, "Refused", [TWO, NO, []], False, "ssl"),
    (REFUSED, "Refused", [TWO, NO, [ONE], ONE], False, "ssls"),
    # A parameter is to blame if the request is served without it, and never with it.
    (ONE_FIELD, "Refused", [ONE, NO] * 2, True, "ssss"),
    (ONE_FIELD, "Refused", [NO], False, "s"),
    (ONE_FIELD, "Refused", [ONE, ONE], False, "ss"),
    (ONE_FIELD, "Refused", [ONE, NO, ONE, ONE], False, "ssss"),
    # An entity is refused as one that no release has, while another one is listed.
    (NO_JOBS, OF_ENTITY, [NO, NO, *[[OTHER_ENTITY], ONE, NO] * 2], True, "lllsllsl"),
    (NO_JOBS, OF_ENTITY, [NO, FORBIDDEN], False, "ll"),
    # A delete is refused in one form, or in one state, and another one in turn is served.
    (NO_DELETE, "RefusedChange", [ONE, ONE, NO, TWO, TWO], True, "sddsd"),
    (NO_DELETE, "RefusedChange", [ONE, NO], False, "sd"),
    (NO_DELETE, "RefusedChange", [ONE, ONE, TWO], False, "sdd"),
    (NO_DELETE, OF_STATE, [ONE, SENT[0], NO, TWO, SENT[1]], True, "sddsd"),
    (NO_DELETE, OF_STATE, [ONE, SENT[0], TWO], False, "sdd"),
    (NO_DELETE, OF_STATE, [NO, []], False, "sl"),
    # One form of the identifier shows it otherwise, and the other one as before.
    (BY_NUMBER, BY_NUMBER_AGAIN, [ONE, DONE, ONE], True, "sss"),
    (BY_NUMBER, BY_NUMBER_AGAIN, [ONE, ONE], False, "ss"),
    (BY_NUMBER, BY_NUMBER_AGAIN, [ONE, DONE, DONE], False, "sss"),  # it was changed in between
    # A list that changes what it lists is wrong, also if it stays so.
    (LIST_CHANGES, "list.agrees_with_show Again", [ONE, [DONE]], True, "sl"),
    # If either page has other ones by now, the list has changed, or has no order.
    (PAGES, "PagesContradict", [[ONE]] * 6, True, "llllll"),
    (PAGES, "PagesContradict", [[ONE]] * 5 + [[TWO]], False, "llllll"),
    (PAGES, "PagesContradict", [[ONE], [TWO]], False, "ll"),
    (PAGES, "PagesContradict", [NO], False, "l"),
    # A page is too short, if all that it is a part of are still there.
    (SHORT_PAGE, "TooFew", [[ONE, TWO], [ONE]], True, "ll"),
    (SHORT_PAGE, "TooFew", [[ONE, TWO], [ONE, TWO]], False, "ll"),
    (SHORT_PAGE, "TooFew", [[ONE], [ONE]], False, "ll"),
    (SHORT_PAGE, "TooFew", [NO], False, "l"),
    (NO_ORDER, "TooFew", [[ONE, TWO], [ONE]], False, "ll"),
    # A list is wrong if it lacks what was there a moment ago.
    (LACKS_TWO, "Contradicted", [TWO, [ONE, THREE]], True, "sl"),
    (LACKS_TWO, "Contradicted", [TWO, [ONE, TWO, THREE]], False, "sl"),
    (LACKS_TWO, "Contradicted", [NO, [TWO], [ONE, THREE]], True, "sll"),
    (LACKS_TWO, "Contradicted", [NO, [], [ONE, THREE]], False, "sll"),  # it is gone
    (LACKS_SECOND, "Contradicted", LACKS_EACH, False, "sl" * 4),
    (LACKS_TWO, "Contradicted", [record(2, entity="ACTIVITIES"), [ONE, THREE]], False, "sl"),
    # If that has gone, what it lacks besides is looked at, too.
    (LACKS_BOTH, "Contradicted", [NO, [], [ONE], THREE, [ONE]], True, "sllsl"),
    (LACKS_BOTH, "Contradicted", [NO, [], [ONE], NO, [], [ONE]], False, "sllsll"),
    # What ruled out the interpretation that would explain the last list may be over by now.
    (ANY_AND_ALL, "Contradicted", [[ONE, OTHER, THREE], OTHER, [ONE, THREE]], True, "lsl"),
    (ANY_AND_ALL, "Contradicted", [[ONE, OTHER, THREE], record(2), [ONE, OTHER, THREE]],
     False, "lsl"),
    # What the first list lacks now is looked at as well: it may have gone.
    (ANY_AND_ALL, "Contradicted", [[OTHER], ONE, OTHER, [ONE, THREE]], False, "lssl"),
    (MOMENT_AND_DAY, "Contradicted", [BOTH, BOTH[1:]], False, "ll"),
    (DELETED, "Contradicted", [[], NO, [], OF_DAY[0], OF_DAY], False, "lslsl"),
    # What is short may have changed since it was known, or be gone: then the list is right.
    (ELSEWHERE, "Contradicted", [ONE, SHORT], True, "sl"),
    (ELSEWHERE, "Contradicted", [NO, [], SHORT], False, "sll"),
    (ELSEWHERE, "Contradicted", [record(1, entity="ACTIVITIES"), SHORT], False, "sl"),
]  # fmt: skip


def test_a_hypothesis_is_settled_by_what_is_asked() -> None:
    for at, (entries, kind, responses, confirmed, asked) in enumerate(SETTLED):
        outcome = settled(Conversation(*entries), kind, responses)
        assert outcome == (confirmed, asked), (at, kind, responses)


def test_a_fault_must_be_seen_once_more_if_others_are_at_work() -> None:
    """They may have caused it twice."""
    for last, confirmed in ((NO, True), (ONE, False)):
        conversation = Conversation(*ONE_FIELD)
        conversation.belief.by_others.sightings |= AT_WORK
        outcome = settled(conversation, "Refused", [ONE, NO, ONE, NO, ONE, last])
        assert outcome == (confirmed, "ssssss")


def test_a_read_is_wrong_right_behind_another_one() -> None:
    for responses, confirmed in (
        ([[ONE, TWO], ONE, [ONE]] * 2, True),
        ([[ONE]], False),  # it is wrong alone as well
        ([[ONE, TWO], ONE, [ONE, TWO]], False),  # it is right behind the other
    ):
        conversation = Conversation(listed([ONE, TWO]), show(ONE), listed([ONE]))
        (suspicion,) = conversation.suspicions
        behind = OnlyBehind("list.entity.filter", conversation.exchanges[1].call)
        script = Script(conversation, responses)
        assert script.settle(suspicion, behind) is confirmed
        assert script.is_used_up


A, B = MOVED, record(1, url="https://example.com/b")


def test_show_and_list_disagree() -> None:
    for responses, confirmed in (
        ([A, A, [B], A, A, [B], A], True),
        ([A, A, [], A, A, [], A], True),  # list has lost it
        ([NO, NO, [A], NO, NO, [A], NO], True),  # show refuses it
        ([A, A, [A]], False),
        ([NO, NO, []], False),  # it is gone
        ([A, B], False),  # two servers in turn
        ([A, A, [B], B], False),
        ([A, A, [B], A, A, [A]], False),
    ):
        conversation = Conversation(show(ONE), show(MOVED))
        looks = "sslssls"[: len(responses)]
        assert settled(conversation, "Disagree", responses) == (confirmed, looks), responses


def test_what_cannot_be_listed_does_not_disagree() -> None:
    """Without an entity_id there is no list to look at."""
    bare = ONE | {"entity_id": ""}
    conversation = Conversation(show(bare), show(bare | {"url": "https://other.example"}))
    assert settled(conversation, "Disagree", []) == (False, "")


def effect(statement: str, symptom: str = "url") -> Suspicion:
    """Return a suspicion as a repetition of a change shows it."""
    change = Conversation(show(ONE)).exchanges[0]
    return Suspicion(change, "", "", (Effect(statement, change),), symptom=symptom)


def deletion(repeats: Sequence[Any], *, by_anybody: bool = True) -> tuple[Script, Suspicion]:
    """Return a suspicion of an effect of a delete, and what its repetitions come to."""
    conversation = Conversation(listed([ONE, TWO]), changed("delete", TWO, 2))
    deleted = conversation.exchanges[-1]
    hypothesis = Effect("delete.single_result", deleted, by_anybody)
    suspicion = Suspicion(deleted, "", "", (hypothesis,), symptom="url")
    return Script(conversation, repeats=repeats), suspicion


SAME, ANOTHER = effect("delete.single_result"), effect("resend.single_result", "number")


REPEATED: list[tuple[Sequence[Any], dict[str, str], bool]] = [
    ([[SAME], []], {}, True),
    ([[], [], [SAME], []], {}, True),  # not every change needs to show it
    ([[], [], [], [], [], []], {}, False),
    ([None], {}, False),
    ([[], [], None], {}, False),
    ([[SAME], [SAME]], {}, False),  # it comes while nothing is done, too
    ([[SAME], [ANOTHER]], {}, True),
    ([[SAME], None], {}, True),  # there is nothing to look at
    ([[SAME], [], [], [SAME], [], []], AT_WORK, True),
    ([[SAME], [], [], [], [], [], [SAME], [], []], AT_WORK, True),
    ([[SAME], *[[]] * 11], AT_WORK, False),
    ([[SAME], [], [SAME]], AT_WORK, False),
]


def test_an_effect_is_seen_again_after_the_same_change_and_not_without_it() -> None:
    """Some repetitions must show it, and no control, which changes nothing."""
    for repeats, others, confirmed in REPEATED:
        script, suspicion = deletion(repeats)
        script.belief.by_others.sightings |= others
        assert script.settle(suspicion) is confirmed, repeats
        assert script.is_used_up
        one_round = [False, True, True] if others else [False, True]  # others: more controls
        assert script.repeated == (one_round * len(repeats))[: len(repeats)]


def test_another_matter_that_a_repetition_shows_is_kept() -> None:
    """It is settled later; what the confirmation is about is not."""
    script, suspicion = deletion([[SAME, ANOTHER], []])
    script.settle(suspicion)
    assert script.kept == [ANOTHER]


def test_an_effect_that_others_caused_before_is_not_confirmed() -> None:
    """What others did before may be theirs again."""
    for by_anybody, others, confirmed in (
        (True, {"url"}, False), (True, {"number"}, True), (False, {"url"}, True),
    ):  # fmt: skip
        script, suspicion = deletion([[SAME], []], by_anybody=by_anybody)
        script.belief.by_others.symptoms |= others
        assert script.settle(suspicion) is confirmed


def test_a_confirmation_updates_the_belief() -> None:
    """What is gone is forgotten, and no longer missed."""
    conversation = Conversation(listed([ONE, TWO, THREE]), listed([ONE, THREE]))
    settled(conversation, "Contradicted", [NO, [], [ONE, THREE]])
    assert list(conversation.belief.records.by_id) == [ONE["id"], THREE["id"]]
    assert conversation.hear(listed([ONE, THREE])).suspicions == []
