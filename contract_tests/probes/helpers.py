"""How the probes ask: which webhook requests they take, how much they ask, what they make of it."""

import json
from collections.abc import Mapping
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.safety.pool import Seen
from crmcom_kit.contract_tests.session import Kit

#: A run with fewer requests than this asks for less of each kind.
_AMPLE = 600

JSON = (("Content-Type", "application/json"),)


def body(parameters: Any) -> bytes:
    """Write parameters as the body of a POST; what goes with it is ``JSON``."""
    return json.dumps(parameters, ensure_ascii=False).encode("utf-8", "surrogatepass")


def breadth(kit: Kit, few: int, many: int) -> int:
    """Return how many calls of one kind to make: few of a target that is not our own.

    Where a run has not enough requests for everything, half of these have to do.
    """
    if kit.thrifty:
        return (few + 1) // 2
    limit = kit.client.limits.max_requests
    ample = kit.target.own and (limit is None or limit >= _AMPLE)
    return many if ample else few


def some(kit: Kit, most: int) -> list[Seen]:
    """Return known webhook requests, spread over all of them. Raises Unreachable without any.

    A lone one from either state comes first: the states differ in what they have.
    """
    in_service(kit)
    if not len(kit.pool):
        kit.record()
    known = [record for record in kit.pool.some() if _is_usable(record, kit)]
    if not known:
        msg = "no webhook request is known that has what others are looked for by"
        raise Unreachable(msg)
    states = ("REJECTED", "SUCCESSFUL")
    first = [r for state in states for r in known if r["life_cycle_state"] == state][:1]
    first += [record for record in known if record["life_cycle_state"] == "SUCCESSFUL"][:1]
    picked = {record["id"]: record for record in first}
    step = max(1, len(known) // most)
    picked |= {record["id"]: record for record in known[::step]}
    return list(picked.values())[: max(most, 1)]


def _is_usable(record: Seen, kit: Kit) -> bool:
    """Whether what lists select by is as the pages say; judges tell where it is not."""
    texts = all(isinstance(record.get(name), str) for name in ("entity", "entity_id", "url"))
    return (
        texts
        and record["entity"] in kit.release.entities
        and record.get("life_cycle_state") in ("SUCCESSFUL", "REJECTED")
        and isinstance(record.get("log_information"), dict)
    )


def unusable(kit: Kit) -> dict[str, str]:
    """Return the methods that cannot be called at all, each with the statement that says why."""
    found: dict[str, str] = kit.memory.setdefault("unusable methods", {})
    return found


def in_service(kit: Kit) -> None:
    """Raise Unreachable where the reading methods cannot be called at all."""
    for method, statement in unusable(kit).items():
        if method in ("show", "list"):
            msg = f"{method} cannot be called as its page says: {statement} is broken"
            raise Unreachable(msg)
    if "withdrawn" not in kit.memory:
        kit.memory["withdrawn"] = _withdrawn(kit)
    if kit.memory["withdrawn"]:
        msg = f"the webhook_requests methods, deprecated in {kit.release.name}, are withdrawn"
        raise Unreachable(msg)


def _withdrawn(kit: Kit) -> bool:
    """Whether list and show alike answer everything with one and the same error."""
    if not kit.method("list").deprecated or len(kit.pool):
        return False
    shown = show(kit, {"id": "1"})
    listed = kit.call("list", {"entity": kit.release.entities[0]})
    unnamed = kit.call("show")
    if any(exchange.ok for exchange in (shown, listed, unnamed)):
        return False
    if any(exchange.code != shown.code for exchange in (listed, unnamed)):
        return False
    kit.findings.chose("requests.deprecated_methods", "withdraw", listed)
    note_refusal(kit, "method_withdrawn", listed)
    return True


def show(kit: Kit, identifier: Mapping[str, Any], *, raw: bool = False, **more: Any) -> Exchange:
    """Call show with an identifier, and other parameters."""
    return kit.call("show", {"webhook_request_identifier": identifier, **more}, raw=raw)


def refused(
    kit: Kit, statement: str, exchange: Exchange, why: str, kind: str | None = None
) -> bool:
    """Note whether a call was refused as ``statement`` says, and how the target words it."""
    if kind is not None:
        note_refusal(kit, kind, exchange)
    return kit.expect_refused(statement, exchange, why)


def steady(kit: Kit) -> None:
    """Raise Unreachable where reading was found to change things: nothing can be compared then."""
    if kit.reading_changes:
        msg = "reading changes things, as other statements tell; no two answers can be compared"
        raise Unreachable(msg)


def pages(kit: Kit) -> bool:
    """Whether list of the release has number_of_results and offset."""
    return "number_of_results" in kit.method("list").parameters


def whole_list(
    kit: Kit, parameters: Mapping[str, Any], *, raw: bool = False
) -> tuple[list[Exchange], dict[str, Seen]]:
    """Call list until nothing more comes, since a target may cut long lists.

    Returns:
        The exchanges, the last one last, and all webhook requests by id.
    """
    exchanges = [kit.call("list", parameters, raw=raw)]
    found = _by_id(exchanges[0])
    while found and pages(kit) and len(found) >= kit.memory.get("longest uncut list", 0):
        more = kit.call("list", {**parameters, "offset": len(found)}, raw=raw)
        new = {each: record for each, record in _by_id(more).items() if each not in found}
        if not new:
            if len(exchanges) == 1:
                kit.memory["longest uncut list"] = len(found)
            break
        kit.memory["lists are cut at"] = len(exchanges[0].records)
        exchanges.append(more)
        found |= new
        if len(new) < kit.memory["lists are cut at"]:
            break
    for record_id, record in found.items():
        if record_id not in kit.pool.records and "fields_set" not in parameters:
            kit.pool.learn(record)
    return exchanges, found


def _by_id(exchange: Exchange) -> dict[str, Seen]:
    return {each["id"]: each for each in exchange.records if isinstance(each.get("id"), str)}
