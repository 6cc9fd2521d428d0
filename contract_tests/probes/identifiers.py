"""Probes of show: which webhook request it returns, and what it refuses."""

from crmcom_kit.contract_tests.checks.envelope import NOWHERE
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.probes.helpers import breadth, refused, show, some
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.safety.pool import Seen
from crmcom_kit.contract_tests.session import Kit, outcome


@probe(
    "show.identifier.selects", "show.single_result", "parameters.identifier_in_query",
    layer="read", cost=3,
)  # fmt: skip
def show_returns_the_one_asked_for(kit: Kit) -> None:
    """Show returns the webhook request whose id or number was given, in either encoding."""
    for record in some(kit, breadth(kit, 2, 6)):
        answers: dict[str, tuple[Exchange, Exchange]] = {}
        for field in ("id", "number"):
            if not isinstance(record.get(field), str) or _is_shared(kit, field, record):
                continue
            identifier = {field: record[field]}
            plain = show(kit, identifier, raw=True)
            encoded = show(kit, identifier)
            answers[field] = plain, encoded
        served = {field: any(each.ok for each in pair) for field, pair in answers.items()}
        for field, pair in answers.items():
            if served[field] or not any(served.values()):
                _either_way(kit, record, *pair)
            else:
                why = f"{field} is a field of webhook_request_identifier"
                kit.expect_served("show.identifier.fields", pair[0], why)


def _is_shared(kit: Kit, field: str, record: Seen) -> bool:
    """Whether several webhook requests have this number; another statement is broken then."""
    return sum(bool(each.get(field) == record[field]) for each in kit.pool.some()) > 1


def _either_way(kit: Kit, record: Seen, plain: Exchange, encoded: Exchange) -> None:
    """Judge two answers to the same question, once percent-encoded and once as examples show."""
    if plain.ok != encoded.ok:
        bad, written = (plain, "=") if encoded.ok else (encoded, "%3D")
        kit.expect(
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
        kit.expect(
            "show.identifier.selects",
            exchange,
            kept=exchange.ok and right,
            expected=f"the webhook request {record['id']}",
            seen=f"the webhook request {shown.get('id')}" if exchange.ok else outcome(exchange),
            record=record["id"],
        )
        if exchange.ok:
            kit.expect(
                "show.single_result",
                exchange,
                kept=isinstance(exchange.data, dict),
                expected="one webhook request",
                seen=f"data of type {type(exchange.data).__name__}",
            )


@probe("show.parameters.mandatory", "show.identifier.mandatory", layer="read", cost=3)
def show_needs_an_identifier(kit: Kit) -> None:
    """Show without an identifier, or with one that names no field, is refused."""
    some(kit, 1)
    why = "webhook_request_identifier is missing"
    refused(kit, "show.parameters.mandatory", kit.call("show"), why)
    empty = show(kit, {})
    refused(kit, "show.identifier.mandatory", empty, "the identifier is empty", "no_identifier")
    without = kit.call("show", {"fields_set": "id"})
    refused(kit, "show.parameters.mandatory", without, why)


@probe("show.identifier.fields", layer="read", cost=2)
def show_knows_id_and_number_alone(kit: Kit) -> None:
    """Show refuses an identifier field that is neither id nor number."""
    for record in some(kit, breadth(kit, 1, 3)):
        for field in ("entity_id", "url"):
            if not isinstance(record.get(field), str):
                continue
            exchange = show(kit, {field: record[field]})
            why = f"{field} is no field of webhook_request_identifier"
            if exchange.ok and kit.findings.is_broken("show.identifier.selects"):
                continue  # it returns whatever it likes
            refused(kit, "show.identifier.fields", exchange, why, "unknown_identifier_field")


@probe("show.identifier.exactly_one", layer="read", cost=3)
def show_takes_one_field(kit: Kit) -> None:
    """Show with id and number is refused, even where both name the same webhook request."""
    for record in some(kit, breadth(kit, 1, 2)):
        if not isinstance(record.get("number"), str):
            continue
        both = {"id": record["id"], "number": record["number"]}
        others = (
            each["number"]
            for each in kit.pool.some()
            if each["id"] != record["id"] and isinstance(each.get("number"), str)
        )
        crossed = {"id": record["id"], "number": next(others, record["number"])}
        for identifier in (both, dict(reversed(both.items())), crossed):
            for raw in (False,) if kit.thrifty else (False, True):
                exchange = show(kit, identifier, raw=raw)
                why = "two fields are given"
                statement = "show.identifier.exactly_one"
                refused(kit, statement, exchange, why, "several_identifiers")


@probe("show.identifier.known", layer="read", cost=4)
def show_finds_none_that_is_not_there(kit: Kit) -> None:
    """Show refuses an id and a number that no webhook request has."""
    record = some(kit, 1)[0]
    wrong = [{field: value} for field, value in NOWHERE.items()]
    wrong += [{"id": f"{record['id']}0"}, {"id": record["id"][:-1]}]
    if isinstance(record.get("number"), str):
        wrong += [{"number": f"{record['number']}000000000"}, {"number": record["id"]}]
        wrong += [{"id": record["number"]}, {"number": f"00{record['number']}"}]
    known = list(kit.pool.records), [each.get("number") for each in kit.pool.some()]
    for identifier in wrong[:4] if kit.thrifty else wrong:
        value = next(iter(identifier.values()))
        if value in known["number" in identifier]:
            continue
        exchange = show(kit, identifier)
        why = f"no webhook request has the {next(iter(identifier))} {value}"
        refused(kit, "show.identifier.known", exchange, why, "unknown_webhook_request")


@probe("response.id.names_one", "response.number.names_one", layer="read", cost=0)
def known_ones_have_names_of_their_own(kit: Kit) -> None:
    """No two known webhook requests have one number."""
    owners: dict[str, str] = {}
    some(kit, 1)
    for record in kit.pool.some():
        number = record.get("number")
        if isinstance(number, str):
            other = owners.setdefault(number, record["id"])
            kit.expect(
                "response.number.names_one",
                kept=other == record["id"],
                expected="each number with one webhook request",
                seen=f"the number {number} with the ids {other} and {record['id']}",
            )
