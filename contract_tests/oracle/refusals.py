"""Find out for what a request is refused that is to be served.

A refusal alone accuses nobody: a server may refuse for a permission, a limit, or maintenance. It is
wrong if a *sibling* is served, which differs from the request only in what makes no difference by
the statement.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief, TrackedRecord
from crmcom_kit.contract_tests.belief.interpretations import SEMI_OPTIONAL
from crmcom_kit.contract_tests.oracle.confirmations import (
    ChangeForm,
    Disagree,
    Refused,
    RefusedChange,
)
from crmcom_kit.contract_tests.oracle.expectations import STATES, Expectation, selected, served_by
from crmcom_kit.contract_tests.oracle.sense import IDENTIFIER
from crmcom_kit.contract_tests.oracle.sights import hypotheses_of_change
from crmcom_kit.contract_tests.oracle.suspicions import Hypothesis

Parameters = Mapping[str, Any]
#: No release has this entity: its refusal shows how the server refuses unknown entities.
_NO_ENTITY = "NOSUCHENTITY"
#: A resend may fail with the delivery: so often one form of identifier is refused, and the other
#: one served, before the form may be the reason.
MIN_RESENDS = 3


def hypotheses(
    expected: Expectation, parameters: Parameters, belief: Belief
) -> Iterator[Hypothesis]:
    """Yield the explanations of a refusal that the documents do not allow."""
    if expected.sense.name == "list":
        key = expected.selected or selected(expected.sense, belief)
        if key is not None:  # else it may be refused because it finds nothing
            yield from _of_list(parameters, belief, (key,))
        return
    known = belief.tracked.get(str(expected.record))
    if known is None:
        return
    if expected.sense.name == "show":
        yield from _of_show(known, parameters, belief)
    elif known.is_nameable and known.state in STATES:
        yield from _of_change(known, parameters)
        other = next(state for state in STATES if state != known.state)
        refused = _named(known, parameters)
        served = refused._replace(state=other)
        yield Hypothesis(expected.statement, RefusedChange(known.typed, refused, served))


# list.


def _of_list(
    parameters: Parameters, belief: Belief, rests_on: tuple[str, ...]
) -> Iterator[Hypothesis]:
    """Yield for which of its parameters a list may be refused, one by one.

    A server may refuse what finds nothing: so what the list has to find must exist.
    """
    if len(parameters) == 1:
        more = {**parameters, "life_cycle_state": "REJECTED"}
        yield Hypothesis("list.optional_parameters", Refused("list", parameters, more, rests_on))
    for name, value in parameters.items():
        statement = served_by({name: value}, belief.release)
        if name == "entity":
            plain = {"entity": other_entity(belief, value)}
            refused = Refused("list", {name: value}, plain, rests_on, {"entity": _NO_ENTITY})
            yield Hypothesis(statement, refused)
        elif name not in SEMI_OPTIONAL:
            rest = {other: wanted for other, wanted in parameters.items() if other != name}
            yield Hypothesis(statement, Refused("list", parameters, rest, rests_on))
        elif name != "entity_id":  # whether it needs its entity is open
            plain = {"entity": other_entity(belief)}
            yield Hypothesis(statement, Refused("list", {name: value}, plain, rests_on))
    semi = {name: parameters[name] for name in SEMI_OPTIONAL if name in parameters}
    if len(semi) > 1:
        fewer = dict([*semi.items()][:-1])
        if [*fewer] == ["entity_id"]:
            fewer = dict([*semi.items()][1:])
        several = Refused("list", semi, fewer, rests_on)
        yield Hypothesis("list.semi_optional.several_allowed", several)


def other_entity(belief: Belief, entity: Any = None) -> str:
    """Return an entity that has webhook requests, if there is one; not ``entity``."""
    shown = (known.record.get("entity") for known in belief.existing())
    likely = (text for text in (*shown, *belief.release.entities) if text != entity)
    return next(text for text in likely if text in belief.release.entities)


# show.


def _of_show(known: TrackedRecord, parameters: Parameters, belief: Belief) -> Iterator[Hypothesis]:
    """Yield for what a webhook request is not shown."""
    if "fields_set" in parameters:
        rest = {name: value for name, value in parameters.items() if name != "fields_set"}
        yield Hypothesis("fields_set.names", Refused("show", parameters, rest))
    if "number" in parameters[IDENTIFIER]:
        by_id = {**parameters, IDENTIFIER: {"id": known.id}}
        yield Hypothesis("identifier.fields", Refused("show", parameters, by_id))
    shown = sorted(
        (other for other in belief.existing() if other.shown), key=lambda other: other is known
    )
    if shown:  # else nobody knows whether this user may call show at all
        yield Hypothesis("identifier.selects", Disagree(known))
    yield from hypotheses_of_change(known, belief)
    if shown:
        other = {IDENTIFIER: {"id": shown[0].id}}  # itself only if there is no other one
        refused = Refused("show", parameters, other, rests_on=(known.id,))
        yield Hypothesis("identifier.selects", refused)


# resend and delete.


def of_resend(
    expected: Expectation, parameters: Parameters, belief: Belief
) -> Iterator[Hypothesis]:
    """Yield explanations of a refused resend, once its form and not the delivery may be the cause.

    It may not as long as the same form of identifier was served, or the other one refused.
    """
    known = belief.tracked.get(str(expected.record))
    if known is None or not known.is_nameable or known.state != "REJECTED":
        return
    form = _named(known, parameters).form
    resends, other = belief.resends, _other_form(form)
    is_never_served = not resends[form, True] and resends[form, False] >= MIN_RESENDS
    if is_never_served and not resends[other, False] and resends[other, True] >= MIN_RESENDS:
        yield from _of_change(known, parameters)


def _of_change(known: TrackedRecord, parameters: Parameters) -> Iterator[Hypothesis]:
    """Yield what in the writing of a change may be refused: fields_set, or the identifier."""
    refused = _named(known, parameters)
    if "fields_set" in refused.beside:
        served = refused._replace(beside={})
        yield Hypothesis("fields_set.names", RefusedChange(known.typed, refused, served))
    served = refused._replace(form=_other_form(refused.form))
    yield Hypothesis("identifier.fields", RefusedChange(known.typed, refused, served))


def _named(known: TrackedRecord, parameters: Parameters) -> ChangeForm:
    (form,) = parameters[IDENTIFIER]
    beside = {name: value for name, value in parameters.items() if name != IDENTIFIER}
    return ChangeForm(form, str(known.state), beside)


def _other_form(form: str) -> str:
    return "id" if form == "number" else "number"
