"""Probes of fields_set in show and list."""

from crmcom_kit.contract_tests.checks.knowledge import changed_members, value_at
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable, outcome
from crmcom_kit.contract_tests.probes.helpers import breadth, sample, show, steady
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.schemas.methods import response_fields

_LISTS = ("id,number", "life_cycle_state,error_code,error_description", "log_information,url")


@probe(
    "show.fields_set.names", "show.fields_set.selects", "show.fields_set.default_all",
    layer="read", cost=3,
)  # fmt: skip
def show_returns_the_fields_that_are_named(session: Session) -> None:
    """Show takes every response field in fields_set, alone and with others, and returns those."""
    steady(session)
    if session.findings.is_broken("show.identifier.selects"):
        msg = "show.identifier.selects is broken, so that no two answers can be compared"
        raise Unreachable(msg)
    every = response_fields()
    names = (*_LISTS, ",".join(reversed(every)), *every)
    wholes = [show(session, {"id": record["id"]}) for record in sample(session, 2)]
    wholes = [whole for whole in wholes if isinstance(value_at(whole.data, "id"), str)]
    for at, fields in enumerate(names[: breadth(session, 4, len(names))] if wholes else ()):
        record = wholes[at % len(wholes)].data
        exchange = show(session, {"id": record["id"]}, fields_set=fields)
        if _named_is_taken(session, "show", fields, exchange) and isinstance(exchange.data, dict):
            _values(session, "show", fields, record, exchange, exchange.data)
    if not wholes:
        return  # other probes tell why
    whole = wholes[0]
    record = whole.data
    named = show(session, {"id": record["id"]}, fields_set=",".join(every))
    _default_is_all(session, "show", record, whole, named)


@probe(
    "list.fields_set.names", "list.fields_set.selects", "list.fields_set.default_all",
    layer="read", cost=4,
)  # fmt: skip
def list_returns_the_fields_that_are_named(session: Session) -> None:
    """List takes every response field in fields_set and returns those of each webhook request."""
    steady(session)
    every = response_fields()
    names = (*_LISTS, ",".join(reversed(every)), *every)
    known = sample(session, 1)[0]
    filters = {"entity": known["entity"], "entity_id": known["entity_id"]}
    whole = session.call("list", filters)
    record = next((each for each in whole.records if each.get("id") == known["id"]), None)
    if record is None:
        return  # other probes tell why
    for fields in names[: breadth(session, 3, len(names))]:
        exchange = session.call("list", {**filters, "fields_set": fields})
        shown = [each for each in exchange.records if each.get("id") == record["id"]]
        _named_is_taken(session, "list", fields, exchange)
        if shown:
            _values(session, "list", fields, record, exchange, shown[0])
    named = session.call("list", {**filters, "fields_set": ",".join(every)})
    _default_is_all(session, "list", record, whole, named)


def _named_is_taken(session: Session, method: str, fields: str, exchange: Exchange) -> bool:
    why = f"fields_set={fields} names response fields"
    return session.expect_served(f"{method}.fields_set.names", exchange, why)


def _values(
    session: Session, method: str, fields: str, record: Record, exchange: Exchange, shown: Record
) -> None:
    """Check whether each named field that has a value is there, and has that value."""
    other = {path.partition(".")[0] for path in changed_members(record, shown)}
    names = [name for name in fields.split(",") if record.get(name) is not None]
    names = [name for name in names if not _other_names(shown, name)]
    wrong = [name for name in names if name in other or _lacks(name, record, shown)]
    session.expect(
        f"{method}.fields_set.selects",
        exchange,
        kept=not wrong,
        expected=f"the fields {fields} with their values",
        seen=f"no or another {', '.join(wrong)}",
        record=record["id"],
    )


def _lacks(name: str, record: Record, shown: Record) -> bool:
    """Whether a field that has a value is missing, or a member of the log that has one."""
    log, shown_log = record.get(name), shown.get(name)
    if name != "log_information" or not (isinstance(log, dict) and isinstance(shown_log, dict)):
        return shown_log is None
    return any(log[each] is not None and shown_log.get(each) is None for each in log)


def _other_names(shown: Record, name: str) -> bool:
    """Whether a field is missing because nothing was selected; a check tells of that."""
    return name not in shown and not any(each in shown for each in response_fields())


def _default_is_all(
    session: Session, method: str, record: Record, whole: Exchange, named: Exchange
) -> None:
    """Check whether an answer without fields_set has whatever one with all names has."""
    found = []
    for exchange in (whole, named):
        here = [each for each in exchange.records if each.get("id") == record["id"]]
        if not here:
            return
        found.append(here[0])
    lost = [
        name
        for name in response_fields()
        if found[1].get(name) is not None and found[0].get(name) is None
    ]
    session.expect(
        f"{method}.fields_set.default_all",
        whole,
        named,
        kept=not lost,
        expected="every field that fields_set can name",
        seen=f"no {', '.join(lost)}" if whole.ok else outcome(whole),
        record=record["id"],
    )
