"""Probes of the values that list's enumerated parameters take, by release."""

from crmcom_kit.contract_tests.probes.helpers import breadth, in_service, refused, sample
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.schemas.releases import entities_since, resolve

_NO_ENTITY = ("NOSUCHENTITY", "ACTIVITY", "WEBHOOKREQUESTS")
#: Two pages differ on the release that brought it.
_EARLY, _EARLY_SINCE = "REWARDOFFERS", "R11.0.0"


def _statement_of(entity: str) -> str:
    """Return the statement that brought an entity: entities.r9, entities.r14 or entities.r15."""
    major = resolve(entities_since()[entity]).name.partition(".")[0]
    return f"entities.{major.lower()}"


@probe("entities.r9", "entities.r14", "entities.r15", layer="read", cost=1)
def list_takes_every_entity(session: Session) -> None:
    """List takes each entity that the release supports."""
    in_service(session)
    entities = session.release.entities
    by_statement = {_statement_of(entity): entity for entity in entities}
    chosen = entities if breadth(session, 0, 1) else tuple(by_statement.values())
    known = [record.get("entity") for record in session.pool.known()]
    for entity in entities:
        # That one is known to exist is shown by discovery, which asked for it.
        if entity in chosen or entity not in known:
            exchange = session.call("list", {"entity": entity})
            session.expect_served(_statement_of(entity), exchange, f"{entity} is supported")


@probe("list.entity.supported_values", layer="read", cost=3)
def list_takes_no_other_entity(session: Session) -> None:
    """List refuses what is no entity, and the entities of later releases."""
    in_service(session)
    later = [entity for entity in entities_since() if entity not in session.release.entities]
    for entity in (
        *_NO_ENTITY[: breadth(session, 1, 3)],
        *later[: breadth(session, 2, len(later))],
    ):
        if entity == _EARLY and session.release.at_least(_EARLY_SINCE):
            continue
        exchange = session.call("list", {"entity": entity})
        why = f"{session.release.name} has no entity {entity}"
        refused(session, "list.entity.supported_values", exchange, why, "unsupported_entity")
    if _EARLY in later and session.release.at_least(_EARLY_SINCE):
        early = session.call("list", {"entity": _EARLY})
        since = _EARLY_SINCE if early.ok else entities_since()[_EARLY]
        session.findings.chose("requests.rewardoffers_since", since, early)


@probe("list.life_cycle_state.supported_values", layer="read", cost=1)
def list_takes_two_states(session: Session) -> None:
    """life_cycle_state is SUCCESSFUL or REJECTED, and nothing else."""
    entity = sample(session, 1)[0]["entity"]
    statement = "list.life_cycle_state.supported_values"
    for state in ("SUCCESSFUL", "REJECTED"):
        exchange = session.call("list", {"entity": entity, "life_cycle_state": state})
        session.expect_served(statement, exchange, f"{state} is a life cycle state")
    for state in ("PENDING", "EFFECTIVE", "SUCCESS")[: breadth(session, 1, 3)]:
        exchange = session.call("list", {"entity": entity, "life_cycle_state": state})
        why = f"{state} is no life cycle state"
        if not (exchange.ok and session.findings.is_broken("list.life_cycle_state.filter")):
            refused(session, statement, exchange, why, "bad_life_cycle_state")
