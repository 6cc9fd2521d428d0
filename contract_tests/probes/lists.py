"""Probes of list: what it takes, and how much it returns."""

from typing import Any

from crmcom_kit.contract_tests.checks.interpretations import SEMI_OPTIONAL
from crmcom_kit.contract_tests.checks.knowledge import IDENTIFIERS
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.findings import Unreachable, outcome
from crmcom_kit.contract_tests.probes.helpers import (
    breadth,
    in_service,
    pages,
    refused,
    sample,
)
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session


def semi_optional(record: Record) -> dict[str, Any]:
    """Return the semi-optional parameters that find ``record``, as far as it shows them."""
    found: dict[str, Any] = {}
    for parameter, field in (
        ("webhook_definition_identifier", "webhook_definition"),
        ("workflow_rule_identifier", "workflow_rule"),
    ):
        inner = record.get(field)
        shown = inner if isinstance(inner, dict) else {}
        for name in IDENTIFIERS:
            if isinstance(shown.get(name), str) and shown[name] and "," not in shown[name]:
                found[parameter] = {name: shown[name]}
                break
    for name in ("entity", "entity_id"):
        if isinstance(record.get(name), str):
            found[name] = record[name]
    return found


@probe("list.semi_optional.at_least_one", layer="read", cost=5)
def list_needs_a_semi_optional_parameter(session: Session) -> None:
    """List with optional parameters alone, or with none, is refused."""
    record = sample(session, 1)[0]
    state = {"life_cycle_state": record["life_cycle_state"]}
    cases: list[dict[str, Any]] = [{}, state, {"url": record["url"]}, {"fields_set": "id"}]
    if pages(session):
        cases.append({"number_of_results": 5, "offset": 0})
    for parameters in cases:
        exchange = session.call("list", parameters)
        why = "none of the semi-optional parameters is given"
        statement = "list.semi_optional.at_least_one"
        refused(session, statement, exchange, why, "no_semi_optional")


@probe(
    "list.parameters.mandatory", "list.semi_optional.several_allowed",
    "list.optional_parameters", layer="read", cost=7,
)  # fmt: skip
def list_takes_any_of_its_parameters(session: Session) -> None:
    """Each semi-optional parameter is enough, several go together, the optional ones are added."""
    record = sample(session, 1)[0]
    given = semi_optional(record)
    for name in SEMI_OPTIONAL:
        if name in given:
            exchange = session.call("list", {name: given[name]})
            if name == "entity_id":
                session.findings.chose("list.entity_id_alone", exchange.ok, exchange)
                if not exchange.ok:  # a dial: it may need its entity, and nothing else
                    state = {"life_cycle_state": record["life_cycle_state"]}
                    helped = session.call("list", {name: given[name], **state})
                    session.expect(
                        "list.optional_parameters",
                        exchange,
                        helped,
                        kept=not helped.ok,
                        expected="life_cycle_state may be left out",
                        seen=f"without it {outcome(exchange)}, with it OK",
                    )
                    continue
            statement = "list.parameters.mandatory"
            if exchange.ok:
                session.findings.hold("list.optional_parameters", exchange)
            session.expect_served(statement, exchange, f"{name} alone is enough")
    together = session.call("list", given)
    why = f"{', '.join(given)} are given together"
    session.expect_served("list.semi_optional.several_allowed", together, why)
    entity = {"entity": record["entity"]}
    optional = {"url": record["url"], "life_cycle_state": record["life_cycle_state"]}
    for name, value in {**optional, "fields_set": "id"}.items():
        exchange = session.call("list", {**entity, name: value})
        why = f"{name} may be given, and the other optional parameters left out"
        session.expect_served("list.optional_parameters", exchange, why)


@probe("list.several_results", layer="read", cost=1)
def list_returns_several(session: Session) -> None:
    """List returns more than one webhook request where more than one fits."""
    in_service(session)
    by_entity: dict[str, set[str]] = {}
    for record in session.pool.known():
        by_entity.setdefault(str(record.get("entity")), set()).add(record["id"])
    entity = max(by_entity, key=lambda each: len(by_entity[each]), default=None)
    if entity is None or len(by_entity[entity]) < 2:
        msg = "no entity is known to have two webhook requests; a wider scope may reach it"
        raise Unreachable(msg)
    more = {"number_of_results": 2} if pages(session) else {}
    exchange = session.call("list", {"entity": entity, **more})
    if more and len(exchange.records) < 2:
        exchange = session.call("list", {"entity": entity})  # the number is another statement's
    session.expect(
        "list.several_results",
        exchange,
        kept=len(exchange.records) > 1,
        expected=f"several webhook requests: {len(by_entity[entity])} are known to fit",
        seen=f"{len(exchange.records)} webhook requests",
    )


def _pages(session: Session) -> bool:
    return "number_of_results" in session.method("list").parameters


@probe("list.identifier.fields", layer="read", cost=3)
def list_knows_the_fields_of_its_identifiers(session: Session) -> None:
    """Identifiers of list take id, name and alternative_code, and no other field."""
    if session.findings.is_broken("list.parameters.mandatory"):
        msg = "list.parameters.mandatory is broken, so that an identifier alone tells nothing"
        raise Unreachable(msg)
    for record in sample(session, breadth(session, 1, 3)):
        for parameter, field in (
            ("webhook_definition_identifier", "webhook_definition"),
            ("workflow_rule_identifier", "workflow_rule"),
        ):
            inner = record.get(field)
            for name in IDENTIFIERS:
                value = inner.get(name) if isinstance(inner, dict) else None
                if isinstance(value, str) and value and "," not in value:
                    exchange = session.call("list", {parameter: {name: value}})
                    why = f"{name} is a field of {parameter}"
                    session.expect_served("list.identifier.fields", exchange, why)
            exchange = session.call("list", {parameter: {"number": "1"}})
            why = f"number is no field of {parameter}"
            kind = "unknown_identifier_field"
            refused(session, "list.identifier.fields", exchange, why, kind)
