"""Helpers of the probes: sampling, sizing, paging."""

import json
from collections.abc import Mapping
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.session import Session

#: A run with fewer requests than this asks for less of each kind.
_AMPLE = 600

JSON = (("Content-Type", "application/json"),)


def body(parameters: Any) -> bytes:
    """Write parameters as the body of a POST; what goes with it is ``JSON``."""
    return json.dumps(parameters, ensure_ascii=False).encode("utf-8", "surrogatepass")


def breadth(session: Session, few: int, many: int) -> int:
    """Return how many calls of one kind to make: few of a target that is not our own.

    Where a run has not enough requests for everything, half of these have to do.
    """
    if session.small_budget:
        return (few + 1) // 2
    limit = session.client.limits.max_requests
    ample = session.target.own and (limit is None or limit >= _AMPLE)
    return many if ample else few


def sample(session: Session, maximum: int) -> list[Record]:
    """Return known webhook requests, spread over all of them. Raises Unreachable without any.

    A lone one from either state comes first: the states differ in what they have.
    """
    in_service(session)
    if not len(session.pool):
        session.record()
    known = [record for record in session.pool.known() if _is_usable(record, session)]
    if not known:
        msg = "no webhook request is known that has what others are looked for by"
        raise Unreachable(msg)
    states = ("REJECTED", "SUCCESSFUL")
    first = [r for state in states for r in known if r["life_cycle_state"] == state][:1]
    first += [record for record in known if record["life_cycle_state"] == "SUCCESSFUL"][:1]
    picked = {record["id"]: record for record in first}
    step = max(1, len(known) // maximum)
    picked |= {record["id"]: record for record in known[::step]}
    return list(picked.values())[: max(maximum, 1)]


def _is_usable(record: Record, session: Session) -> bool:
    """Whether what lists select by is as the pages say; checks tell where it is not."""
    texts = all(isinstance(record.get(name), str) for name in ("entity", "entity_id", "url"))
    return (
        texts
        and record["entity"] in session.release.entities
        and record.get("life_cycle_state") in ("SUCCESSFUL", "REJECTED")
        and isinstance(record.get("log_information"), dict)
    )


def unusable(session: Session) -> dict[str, str]:
    """Return the methods that cannot be called at all, each with the statement that says why."""
    found: dict[str, str] = session.memory.setdefault("unusable methods", {})
    return found


def in_service(session: Session) -> None:
    """Raise Unreachable where the reading methods cannot be called at all."""
    for method, statement in unusable(session).items():
        if method in ("show", "list"):
            msg = f"{method} cannot be called as its page says: {statement} is broken"
            raise Unreachable(msg)
    if "withdrawn" not in session.memory:
        session.memory["withdrawn"] = _withdrawn(session)
    if session.memory["withdrawn"]:
        msg = f"the webhook_requests methods, deprecated in {session.release.name}, are withdrawn"
        raise Unreachable(msg)


def _withdrawn(session: Session) -> bool:
    """Whether list and show alike answer everything with one and the same error."""
    if not session.method("list").deprecated or len(session.pool):
        return False
    shown = show(session, {"id": "1"})
    listed = session.call("list", {"entity": session.release.entities[0]})
    unnamed = session.call("show")
    if any(exchange.ok for exchange in (shown, listed, unnamed)):
        return False
    if any(exchange.code != shown.code for exchange in (listed, unnamed)):
        return False
    session.findings.chose("requests.deprecated_methods", "withdraw", listed)
    note_refusal(session, "method_withdrawn", listed)
    return True


def show(
    session: Session, identifier: Mapping[str, Any], *, raw: bool = False, **more: Any
) -> Exchange:
    """Call show with an identifier, and other parameters."""
    return session.call("show", {"webhook_request_identifier": identifier, **more}, raw=raw)


def refused(
    session: Session, statement: str, exchange: Exchange, why: str, kind: str | None = None
) -> bool:
    """Note whether a call was refused as ``statement`` says, and how the target words it."""
    if kind is not None:
        note_refusal(session, kind, exchange)
    return session.expect_refused(statement, exchange, why)


def steady(session: Session) -> None:
    """Raise Unreachable where reading was found to change things: nothing can be compared then."""
    if session.reading_changes:
        msg = "reading changes things, as other statements tell; no two answers can be compared"
        raise Unreachable(msg)


def pages(session: Session) -> bool:
    """Whether list of the release has number_of_results and offset."""
    return "number_of_results" in session.method("list").parameters


def whole_list(
    session: Session, parameters: Mapping[str, Any], *, raw: bool = False
) -> tuple[list[Exchange], dict[str, Record]]:
    """Call list until nothing more comes, since a target may cut long lists.

    Returns:
        The exchanges, the last one last, and all webhook requests by id.
    """
    exchanges = [session.call("list", parameters, raw=raw)]
    found = _by_id(exchanges[0])
    while found and pages(session) and len(found) >= session.memory.get("longest uncut list", 0):
        more = session.call("list", {**parameters, "offset": len(found)}, raw=raw)
        new = {each: record for each, record in _by_id(more).items() if each not in found}
        if not new:
            if len(exchanges) == 1:
                session.memory["longest uncut list"] = len(found)
            break
        session.memory["lists are cut at"] = len(exchanges[0].records)
        exchanges.append(more)
        found |= new
        if len(new) < session.memory["lists are cut at"]:
            break
    for record_id, record in found.items():
        if record_id not in session.pool.records and "fields_set" not in parameters:
            session.pool.learn(record)
    return exchanges, found


def _by_id(exchange: Exchange) -> dict[str, Record]:
    return {each["id"]: each for each in exchange.records if isinstance(each.get("id"), str)}
