"""Explain why a request was refused that the documents want served.

A refusal alone is no fault: a server may refuse for a permission, a limit, or maintenance. It is a
fault if a *sibling* is served: a request that differs only in what the statement says to make no
difference.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.interpretations import SEMI_OPTIONAL
from crmcom_kit.contract_tests.belief.records import TrackedRecord
from crmcom_kit.contract_tests.oracle.confirmations import (
    ChangeForm,
    Disagree,
    Refused,
    RefusedChange,
)
from crmcom_kit.contract_tests.oracle.expectations import Expectation, find_selected, list_statement
from crmcom_kit.contract_tests.oracle.parsing import IDENTIFIER, STATES, without
from crmcom_kit.contract_tests.oracle.sights import hypotheses_of_change
from crmcom_kit.contract_tests.oracle.suspicions import Hypothesis

Parameters = Mapping[str, Any]
#: No release has this entity: its refusal shows how the server refuses unknown entities.
_NO_ENTITY = "NOSUCHENTITY"
#: A resend may be refused because the delivery fails. The form of the identifier may be the reason
#: once at least this many resends were refused in one form and served in the other.
MIN_RESENDS = 3


def hypotheses(expectation: Expectation, belief: Belief) -> Iterator[Hypothesis]:
    """Yield the explanations of a refusal that the documents do not allow."""
    parameters = without("token", expectation.request.parameters)
    if expectation.request.name == "list":
        key = expectation.selected_id or find_selected(expectation.request, belief)
        if key is not None:  # if not, it may be refused because it finds nothing
            yield from _of_list(parameters, belief, (key,))
        return
    record = belief.records.by_id.get(str(expectation.record_id))
    if record is None:
        return
    if expectation.request.name == "show":
        yield from _of_show(record, parameters, belief)
    elif record.is_nameable and record.state in STATES:
        yield from _of_change(record, parameters)
        other_state = next(state for state in STATES if state != record.state)
        refused = _form_of(record, parameters)
        served = refused._replace(state=other_state)
        yield RefusedChange(expectation.statement, record.typed, refused, served)


# list.


def _of_list(
    parameters: Parameters, belief: Belief, rests_on: tuple[str, ...]
) -> Iterator[Hypothesis]:
    """Yield a hypothesis for each parameter that a list may be refused for.

    A server may refuse a list that finds nothing, so what this one must find has to exist.
    """
    if len(parameters) == 1:
        with_state = {**parameters, "life_cycle_state": "REJECTED"}
        yield Refused("list.optional_parameters", "list", parameters, with_state, rests_on)
    for name, value in parameters.items():
        statement = list_statement({name: value}, belief.release)
        if name == "entity":
            sibling = {"entity": other_entity(belief, value)}
            control = {"entity": _NO_ENTITY}
            yield Refused(statement, "list", {name: value}, sibling, rests_on, control)
        elif name not in SEMI_OPTIONAL:
            yield Refused(statement, "list", parameters, without(name, parameters), rests_on)
        elif name != "entity_id":  # whether it needs its entity is open
            sibling = {"entity": other_entity(belief)}
            yield Refused(statement, "list", {name: value}, sibling, rests_on)
    filters = {name: parameters[name] for name in SEMI_OPTIONAL if name in parameters}
    if len(filters) > 1:
        sibling = dict([*filters.items()][:-1])
        if [*sibling] == ["entity_id"]:
            sibling = dict([*filters.items()][1:])
        yield Refused("list.semi_optional.several_allowed", "list", filters, sibling, rests_on)


def other_entity(belief: Belief, entity: Any = None) -> str:
    """Return another entity than ``entity``, one that has webhook requests if possible."""
    release_entities = belief.release.entities
    entities = (record.condensed.get("entity") for record in belief.records.existing())
    names = (name for name in chain(entities, release_entities) if name in release_entities)
    return next(name for name in names if name != entity)


# show.


def _of_show(record: TrackedRecord, parameters: Parameters, belief: Belief) -> Iterator[Hypothesis]:
    """Yield the hypotheses of why a webhook request is not shown."""
    if "fields_set" in parameters:
        others = without("fields_set", parameters)
        yield Refused("fields_set.names", "show", parameters, others)
    if "number" in parameters[IDENTIFIER]:
        by_id = {**parameters, IDENTIFIER: {"id": record.id}}
        yield Refused("identifier.fields", "show", parameters, by_id)
    others_first = sorted(belief.records.existing(), key=lambda other: other is record)
    shown_records = [other for other in others_first if other.was_shown]
    if shown_records:  # if not, this user may have no permission for show
        yield Disagree("identifier.selects", record)
    yield from hypotheses_of_change(record, belief)
    if shown_records:
        sibling = {IDENTIFIER: {"id": shown_records[0].id}}  # the same one if it is the only one
        yield Refused("identifier.selects", "show", parameters, sibling, (record.id,))


# resend and delete.


def of_resend(expectation: Expectation, belief: Belief) -> Iterator[Hypothesis]:
    """Yield hypotheses of why a resend was refused, if its form and not the delivery may be why.

    The form is not why if the same form was served, or if the other form was refused.
    """
    record = belief.records.by_id.get(str(expectation.record_id))
    if record is None or not record.is_nameable or record.state != "REJECTED":
        return
    parameters = without("token", expectation.request.parameters)
    form = _form_of(record, parameters).form
    resends, other_form = belief.changes.resends, _other_form(form)
    is_never_served = not resends[form, True] and resends[form, False] >= MIN_RESENDS
    if (
        is_never_served
        and not resends[other_form, False]
        and resends[other_form, True] >= MIN_RESENDS
    ):
        yield from _of_change(record, parameters)


def _of_change(record: TrackedRecord, parameters: Parameters) -> Iterator[Hypothesis]:
    """Yield a hypothesis for each part of a change that may be refused."""
    refused = _form_of(record, parameters)
    if "fields_set" in refused.extras:
        served = refused._replace(extras={})
        yield RefusedChange("fields_set.names", record.typed, refused, served)
    served = refused._replace(form=_other_form(refused.form))
    yield RefusedChange("identifier.fields", record.typed, refused, served)


def _form_of(record: TrackedRecord, parameters: Parameters) -> ChangeForm:
    (form,) = parameters[IDENTIFIER]
    return ChangeForm(form, str(record.state), without(IDENTIFIER, parameters))


def _other_form(form: str) -> str:
    return "id" if form == "number" else "number"
