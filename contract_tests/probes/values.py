"""Probes of the values that list's enumerated parameters take, by release."""

from crmcom_kit.contract_tests.probes.helpers import breadth, in_service, refused, some
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Kit
from crmcom_kit.schemas.releases import entities_since, resolve

_NO_ENTITY = ("NOSUCHENTITY", "ACTIVITY", "WEBHOOKREQUESTS")
#: Two pages differ on the release that brought it.
_EARLY, _EARLY_SINCE = "REWARDOFFERS", "R11.0.0"


def _statement_of(entity: str) -> str:
    """Return the statement that brought an entity: entities.r9, entities.r14 or entities.r15."""
    major = resolve(entities_since()[entity]).name.partition(".")[0]
    return f"entities.{major.lower()}"


@probe("entities.r9", "entities.r14", "entities.r15", layer="read", cost=1)
def list_takes_every_entity(kit: Kit) -> None:
    """List takes each entity that the release supports."""
    in_service(kit)
    entities = kit.release.entities
    told = {_statement_of(entity): entity for entity in entities}
    chosen = entities if breadth(kit, 0, 1) else tuple(told.values())
    known = [record.get("entity") for record in kit.pool.some()]
    for entity in entities:
        # That one is known to exist is shown by discovery, which asked for it.
        if entity in chosen or entity not in known:
            exchange = kit.call("list", {"entity": entity})
            kit.expect_served(_statement_of(entity), exchange, f"{entity} is supported")


@probe("list.entity.supported_values", layer="read", cost=3)
def list_takes_no_other_entity(kit: Kit) -> None:
    """List refuses what is no entity, and the entities of later releases."""
    in_service(kit)
    later = [entity for entity in entities_since() if entity not in kit.release.entities]
    for entity in (*_NO_ENTITY[: breadth(kit, 1, 3)], *later[: breadth(kit, 2, len(later))]):
        if entity == _EARLY and kit.release.at_least(_EARLY_SINCE):
            continue
        exchange = kit.call("list", {"entity": entity})
        why = f"{kit.release.name} has no entity {entity}"
        refused(kit, "list.entity.supported_values", exchange, why, "unsupported_entity")
    if _EARLY in later and kit.release.at_least(_EARLY_SINCE):
        early = kit.call("list", {"entity": _EARLY})
        since = _EARLY_SINCE if early.ok else entities_since()[_EARLY]
        kit.findings.chose("requests.rewardoffers_since", since, early)


@probe("list.life_cycle_state.supported_values", layer="read", cost=1)
def list_takes_two_states(kit: Kit) -> None:
    """life_cycle_state is SUCCESSFUL or REJECTED, and nothing else."""
    entity = some(kit, 1)[0]["entity"]
    statement = "list.life_cycle_state.supported_values"
    for state in ("SUCCESSFUL", "REJECTED"):
        exchange = kit.call("list", {"entity": entity, "life_cycle_state": state})
        kit.expect_served(statement, exchange, f"{state} is a life cycle state")
    for state in ("PENDING", "EFFECTIVE", "SUCCESS")[: breadth(kit, 1, 3)]:
        exchange = kit.call("list", {"entity": entity, "life_cycle_state": state})
        why = f"{state} is no life cycle state"
        if not (exchange.ok and kit.findings.is_broken("list.life_cycle_state.filter")):
            refused(kit, statement, exchange, why, "bad_life_cycle_state")
