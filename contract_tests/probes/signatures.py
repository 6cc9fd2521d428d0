"""The probe of authentication codes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.calibration.codes import Form, data_of, fitting
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.own_world import signed
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session

#: So many authentication codes are checked.
MAX_CODES = 200


@probe("response.authentication_code.hmac", layer="read", cost=0)
def authentication_codes_are_hmacs(session: Session) -> None:
    """Each authentication code is an HMAC of the data object, all in the same form."""
    known = list(_known(session))[:MAX_CODES]
    if not known:
        msg = "no data object and its secret key are both known; this needs a target that shows "
        msg += "request as a JSON object or text, and --secret-key"
        raise Unreachable(msg)
    fits = [(record, fitting(record["authentication_code"], *made)) for record, made in known]
    counts = Counter(form for _, found in fits for form in found)
    best = counts.most_common(1)[0][0] if counts else None
    for record, found in fits:
        kept = best in found
        exchange = last_look(session, record)
        session.expect(
            "response.authentication_code.hmac",
            *([exchange] if exchange is not None else []),
            kept=kept,
            expected="an HMAC of the data object with the secret key of the webhook definition",
            seen=f"authentication_code {record['authentication_code']!r}, which is not one"
            if best is None
            else "a code that is not one, or has another form than the others",
            record=record["id"],
        )
    if best is not None and counts[best] == len(fits):
        _note_form(session, {form for form, count in counts.items() if count == len(fits)})


def _known(session: Session) -> Iterator[tuple[Record, tuple[Mapping[str, Any], str]]]:
    """Yield the webhook requests whose code can be checked, with data object and secret key."""
    made = signed(session.target.entries)
    for record in session.pool.known():
        if not isinstance(record.get("authentication_code"), str):
            continue
        definition = record.get("webhook_definition")
        named = definition.get("id") if isinstance(definition, Mapping) else None
        key, data = session.secret_keys.get(str(named)), data_of(record.get("request"))
        if record["id"] in made:
            yield record, (made[record["id"]].data, made[record["id"]].key)
        elif key and data is not None:
            yield record, (data, key)


def last_look(session: Session, record: Record) -> Exchange | None:
    """Return the last exchange that showed ``record``."""
    for exchange in reversed(session.client.history):
        if any(each.get("id") == record["id"] for each in exchange.records):
            return exchange
    return None


def _note_form(session: Session, found: set[Form]) -> None:
    """Note what all fitting forms have in common; the rest these records can't tell."""
    for at, name in enumerate(Form._fields):
        values = {form[at] for form in found}
        if len(values) == 1:
            session.findings.chose(f"signing.{name}", values.pop())
