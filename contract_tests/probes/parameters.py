"""Probes of which parameters list takes, alone and together, and which values."""

from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.interpretations import SEMI_OPTIONAL
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.findings import outcome
from crmcom_kit.contract_tests.probes.helpers import (
    STATES,
    breadth,
    can_page,
    expect_served_as,
    identifiers,
    in_service,
    sample,
    semi_optional,
)
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.schemas.releases import disputes, entities_since

_NO_ENTITIES = ("NOSUCHENTITY", "ACTIVITY", "WEBHOOKREQUESTS")
_NO_STATES = ("PENDING", "EFFECTIVE", "SUCCESS")


@probe("list.semi_optional.at_least_one", layer="read", cost=4)
def list_needs_a_semi_optional_parameter(session: Session) -> None:
    """List with optional parameters alone, or with none, is refused."""
    record = sample(session, 1)[0]
    optional = {name: record[name] for name in ("life_cycle_state", "url")}
    cases: list[dict[str, Any]] = [{}, *({name: value} for name, value in optional.items())]
    cases += [{"fields_set": "id"}, optional, {"created_date": "2016-02-28"}]
    if can_page(session):
        cases.insert(1, {"number_of_results": 5, "offset": 0})
    for parameters in cases[: breadth(session, 4, 10)]:
        exchange = session.call("list", parameters)
        if "created_date" not in parameters:
            note_refusal(session, "no_semi_optional", exchange)


@probe(
    "list.parameters.mandatory", "list.semi_optional.several_allowed",
    "list.optional_parameters", layer="read", cost=7,
)  # fmt: skip
def list_takes_any_of_its_parameters(session: Session) -> None:
    """Each semi-optional parameter is enough, several go together, the optional ones are added."""
    record = sample(session, 1)[0]
    given = semi_optional(record)
    state = {"life_cycle_state": record["life_cycle_state"]}
    for name in SEMI_OPTIONAL:
        if name not in given:
            continue
        alone = session.call("list", {name: given[name]})
        helped = alone if alone.ok else session.call("list", {name: given[name], **state})
        if name == "entity_id":  # it may need its entity, and nothing else
            session.findings.chose("list.entity_id_alone", alone.ok, alone)
        if alone.ok or helped.ok:
            why = f"{', '.join(state)} may be left out, as OK with it shows"
            session.expect_served("list.optional_parameters", alone, why)
        if name != "entity_id" or alone.ok:
            session.expect_served("list.parameters.mandatory", alone, f"{name} alone is enough")
    names = list(given)
    for some in (names, names[:3], names[-3:])[: breadth(session, 1, 3)]:
        together = session.call("list", {name: given[name] for name in some})
        why = f"{', '.join(some)} are given together"
        session.expect_served("list.semi_optional.several_allowed", together, why)
    if not session.small_budget:
        _in_company(session, record)
    entity = {"entity": record["entity"]}
    for name, value in {"url": record["url"], **state, "fields_set": "id"}.items():
        exchange = session.call("list", {**entity, name: value})
        why = f"{name} may be given, and the other optional parameters left out"
        session.expect_served("list.optional_parameters", exchange, why)


def _in_company(session: Session, record: Record) -> None:
    """List by each semi-optional parameter together with each optional one."""
    day = {"created_date": str(record["log_information"].get("created_date"))[:10]}
    optional: dict[str, Any] = {name: record[name] for name in ("url", "life_cycle_state")}
    optional |= {"fields_set": "id,number"}
    if can_page(session):
        optional |= {"number_of_results": "1", "offset": "0"}
    dated = session.call("list", {"entity": record["entity"], **day})
    for name, value in semi_optional(record).items():
        alone = session.call("list", {name: value})
        if alone.ok:
            for more, wanted in optional.items():
                session.call("list", {name: value, more: wanted})
            if dated.ok:
                why = "created_date goes with any other filter"
                exchange = session.call("list", {name: value, **day})
                expect_served_as(session, "list.created_date.filter", exchange, dated, why)


@probe("list.identifier.fields", layer="read", cost=3)
def list_knows_the_fields_of_its_identifiers(session: Session) -> None:
    """Identifiers of list take id, name and alternative_code, and no other field."""
    for record in sample(session, breadth(session, 1, 3)):
        for parameter in SEMI_OPTIONAL[:2]:
            fields = identifiers(record.get(parameter.removesuffix("_identifier")))
            found = {
                name: session.call("list", {parameter: {name: value}}) for name, value in fields
            }
            for name, exchange in found.items():
                if any(each.ok for each in found.values()):
                    why = f"{name} is a field of {parameter}: others are {outcome(exchange)}"
                    session.expect_served("list.identifier.fields", exchange, why)
            exchange = session.call("list", {parameter: {"number": "1"}})
            note_refusal(session, "unknown_identifier_field", exchange)


@probe("entities.r9", "entities.r14", "entities.r15", layer="read", cost=1)
def list_takes_every_entity(session: Session) -> None:
    """List takes each entity that the release supports, and in each state."""
    in_service(session)
    known = [record.get("entity") for record in session.pool.known()]  # of any type
    for entity in session.release.entities:
        if session.small_budget:
            if entity not in known:  # else discovery has asked for it
                session.call("list", {"entity": entity})
            continue
        session.call("list", {"entity": entity})
        for state in STATES:
            session.call("list", {"entity": entity, "life_cycle_state": state})


@probe("list.entity.supported_values", layer="read", cost=3)
def list_takes_no_other_entity(session: Session) -> None:
    """List refuses what is no entity, and the entities of later releases."""
    in_service(session)
    later = [entity for entity in entities_since() if entity not in session.release.entities]
    disputed = session.release.disputed_entities
    for entity in (*_NO_ENTITIES[: breadth(session, 1, 3)], *later[: breadth(session, 2, 99)]):
        if entity not in disputed:
            exchange = session.call("list", {"entity": entity})
            note_refusal(session, "unsupported_entity", exchange)
    for entity in disputed:
        exchange = session.call("list", {"entity": entity})
        since = disputes()[entity].since if exchange.ok else entities_since()[entity]
        session.findings.chose(disputes()[entity].dial, since, exchange)


@probe("list.life_cycle_state.supported_values", layer="read", cost=1)
def list_takes_two_states(session: Session) -> None:
    """life_cycle_state is SUCCESSFUL or REJECTED, and nothing else."""
    entity = sample(session, 1)[0]["entity"]
    for state in (*_NO_STATES[: breadth(session, 1, 3)], *STATES):
        exchange = session.call("list", {"entity": entity, "life_cycle_state": state})
        if state in STATES:
            why = f"{state} is a life cycle state"
            session.expect_served("list.life_cycle_state.supported_values", exchange, why)
        else:
            note_refusal(session, "bad_life_cycle_state", exchange)
