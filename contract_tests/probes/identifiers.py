"""Probes of show: which webhook request it returns, and what it refuses."""

from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.made_up import NOWHERE
from crmcom_kit.contract_tests.findings import outcome
from crmcom_kit.contract_tests.probes.helpers import breadth, refused, sample, show
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session


@probe(
    "show.identifier.selects", "show.single_result", "parameters.identifier_in_query",
    layer="read", cost=3,
)  # fmt: skip
def show_returns_the_one_asked_for(session: Session) -> None:
    """Show returns the webhook request whose id or number was given, in either encoding."""
    for record in sample(session, breadth(session, 2, 6)):
        answers: dict[str, tuple[Exchange, Exchange]] = {}
        for field in ("id", "number"):
            if not isinstance(record.get(field), str) or _is_shared(session, field, record):
                continue
            identifier = {field: record[field]}
            plain = show(session, identifier, raw=True)
            encoded = show(session, identifier)
            answers[field] = plain, encoded
        served = {field: any(each.ok for each in pair) for field, pair in answers.items()}
        for field, pair in answers.items():
            if served[field] or not any(served.values()):
                _either_way(session, record, *pair)
            else:
                why = f"{field} is a field of webhook_request_identifier"
                session.expect_served("show.identifier.fields", pair[0], why)


def _is_shared(session: Session, field: str, record: Record) -> bool:
    """Whether several webhook requests have this number; another statement is broken then."""
    return sum(bool(each.get(field) == record[field]) for each in session.pool.known()) > 1


def _either_way(session: Session, record: Record, plain: Exchange, encoded: Exchange) -> None:
    """Check two answers to the same question, once percent-encoded and once as examples show."""
    if plain.ok != encoded.ok:
        bad, written = (plain, "=") if encoded.ok else (encoded, "%3D")
        session.expect(
            "parameters.identifier_in_query",
            plain,
            encoded,
            kept=False,
            expected=f"the webhook request, with {written} in the query",
            seen=outcome(bad),
            record=record["id"],
        )
    for exchange in (plain, encoded):
        if not exchange.ok and plain.ok != encoded.ok:
            continue
        shown = exchange.data if isinstance(exchange.data, dict) else {}
        right = shown.get("id") == record["id"]
        session.expect(
            "show.identifier.selects",
            exchange,
            kept=exchange.ok and right,
            expected=f"the webhook request {record['id']}",
            seen=f"the webhook request {shown.get('id')}" if exchange.ok else outcome(exchange),
            record=record["id"],
        )
        if exchange.ok:
            session.expect(
                "show.single_result",
                exchange,
                kept=isinstance(exchange.data, dict),
                expected="one webhook request",
                seen=f"data of type {type(exchange.data).__name__}",
            )


@probe("show.parameters.mandatory", "show.identifier.mandatory", layer="read", cost=3)
def show_needs_an_identifier(session: Session) -> None:
    """Show without an identifier, or with one that names no field, is refused."""
    sample(session, 1)
    why = "webhook_request_identifier is missing"
    refused(session, "show.parameters.mandatory", session.call("show"), why)
    empty = show(session, {})
    refused(session, "show.identifier.mandatory", empty, "the identifier is empty", "no_identifier")
    without = session.call("show", {"fields_set": "id"})
    refused(session, "show.parameters.mandatory", without, why)


@probe("show.identifier.fields", layer="read", cost=2)
def show_knows_id_and_number_alone(session: Session) -> None:
    """Show refuses an identifier field that is neither id nor number."""
    for record in sample(session, breadth(session, 1, 3)):
        for field in ("entity_id", "url"):
            if not isinstance(record.get(field), str):
                continue
            exchange = show(session, {field: record[field]})
            why = f"{field} is no field of webhook_request_identifier"
            if exchange.ok and session.findings.is_broken("show.identifier.selects"):
                continue  # it returns whatever it likes
            refused(session, "show.identifier.fields", exchange, why, "unknown_identifier_field")


@probe("show.identifier.exactly_one", layer="read", cost=3)
def show_takes_one_field(session: Session) -> None:
    """Show with id and number is refused, even where both name the same webhook request."""
    for record in sample(session, breadth(session, 1, 2)):
        if not isinstance(record.get("number"), str):
            continue
        both = {"id": record["id"], "number": record["number"]}
        others = (
            each["number"]
            for each in session.pool.known()
            if each["id"] != record["id"] and isinstance(each.get("number"), str)
        )
        crossed = {"id": record["id"], "number": next(others, record["number"])}
        for identifier in (both, dict(reversed(both.items())), crossed):
            for raw in (False,) if session.small_budget else (False, True):
                exchange = show(session, identifier, raw=raw)
                why = "two fields are given"
                statement = "show.identifier.exactly_one"
                refused(session, statement, exchange, why, "several_identifiers")


@probe("show.identifier.known", layer="read", cost=4)
def show_finds_none_that_is_not_there(session: Session) -> None:
    """Show refuses an id and a number that no webhook request has."""
    record = sample(session, 1)[0]
    wrong = [{field: value} for field, value in NOWHERE.items()]
    wrong += [{"id": f"{record['id']}0"}, {"id": record["id"][:-1]}]
    if isinstance(record.get("number"), str):
        wrong += [{"number": f"{record['number']}000000000"}, {"number": record["id"]}]
        wrong += [{"id": record["number"]}, {"number": f"00{record['number']}"}]
    known = list(session.pool.records), [each.get("number") for each in session.pool.known()]
    for identifier in wrong[:4] if session.small_budget else wrong:
        value = next(iter(identifier.values()))
        if value in known["number" in identifier]:
            continue
        exchange = show(session, identifier)
        why = f"no webhook request has the {next(iter(identifier))} {value}"
        refused(session, "show.identifier.known", exchange, why, "unknown_webhook_request")


@probe("response.id.names_one", "response.number.names_one", layer="read", cost=0)
def known_ones_have_names_of_their_own(session: Session) -> None:
    """No two known webhook requests have one number."""
    owners: dict[str, str] = {}
    sample(session, 1)
    for record in session.pool.known():
        number = record.get("number")
        if isinstance(number, str):
            other = owners.setdefault(number, record["id"])
            session.expect(
                "response.number.names_one",
                kept=other == record["id"],
                expected="each number with one webhook request",
                seen=f"the number {number} with the ids {other} and {record['id']}",
            )
