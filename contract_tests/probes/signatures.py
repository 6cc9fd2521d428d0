"""The probe of authentication codes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.calibration.codes import Form, data_of, fitting
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.own_world import signed
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.safety.pool import Seen
from crmcom_kit.contract_tests.session import Kit

#: So many authentication codes are checked.
MOST = 200


@probe("response.authentication_code.hmac", layer="read", cost=0)
def authentication_codes_are_hmacs(kit: Kit) -> None:
    """Each authentication code is an HMAC of the data object, all in the same form."""
    known = list(_known(kit))[:MOST]
    if not known:
        msg = "no data object is known together with its secret key: it takes a target that shows "
        msg += "request as a JSON object or text, and secret keys, which Plan.secret_keys gives"
        raise Unreachable(msg)
    fits = [(record, fitting(record["authentication_code"], *made)) for record, made in known]
    counts = Counter(form for _, found in fits for form in found)
    best = counts.most_common(1)[0][0] if counts else None
    for record, found in fits:
        kept = best in found
        exchange = last_look(kit, record)
        kit.expect(
            "response.authentication_code.hmac",
            *([exchange] if exchange is not None else []),
            kept=kept,
            expected="an HMAC of the data object with the secret key of the webhook definition",
            seen=f"authentication_code {record['authentication_code']!r}, which is none"
            if best is None
            else "a code that is none, or in another form than the others have",
            record=record["id"],
        )
    if best is not None and counts[best] == len(fits):
        _note_form(kit, {form for form, count in counts.items() if count == len(fits)})


def _known(kit: Kit) -> Iterator[tuple[Seen, tuple[Mapping[str, Any], str]]]:
    """Yield the webhook requests whose code can be checked, with data object and secret key."""
    made = signed(kit.target.entries)
    for record in kit.pool.some():
        if not isinstance(record.get("authentication_code"), str):
            continue
        definition = record.get("webhook_definition")
        named = definition.get("id") if isinstance(definition, Mapping) else None
        key, data = kit.secret_keys.get(str(named)), data_of(record.get("request"))
        if record["id"] in made:
            yield record, (made[record["id"]].data, made[record["id"]].key)
        elif key and data is not None:
            yield record, (data, key)


def last_look(kit: Kit, record: Seen) -> Exchange | None:
    """Return the last exchange that showed ``record``."""
    for exchange in reversed(kit.client.history):
        if any(each.get("id") == record["id"] for each in exchange.records):
            return exchange
    return None


def _note_form(kit: Kit, found: set[Form]) -> None:
    """Note what all fitting forms have in common; the rest these records can't tell."""
    for at, name in enumerate(Form._fields):
        values = {form[at] for form in found}
        if len(values) == 1:
            kit.findings.chose(f"signing.{name}", values.pop())
