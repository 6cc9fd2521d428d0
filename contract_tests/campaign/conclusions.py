"""What only the whole run tells: authentication codes, and failures that come each time."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

from crmcom_kit.contract_tests.belief.knowledge import value_at
from crmcom_kit.contract_tests.campaign.codes import data_of, fitting
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.http import BudgetSpent
from crmcom_kit.contract_tests.findings import Unreachable, Violation

CODES = "response.authentication_code.hmac"


def conclude(session: Session, secret_keys: Mapping[str, str]) -> None:
    """Find out all that the run so far tells. Raises TargetDown."""
    _codes(session, secret_keys)
    _failures(session)


# Authentication codes.


def _codes(session: Session, secret_keys: Mapping[str, str]) -> None:
    """Find out whether each authentication code is an HMAC of its data object, all in one form."""
    fits = []
    for each in session.belief.existing():
        code, data = each.record.get("authentication_code"), data_of(each.record.get("request"))
        key = secret_keys.get(str(value_at(each.record, "webhook_definition.id")))
        if isinstance(code, str) and key and data is not None:
            fits.append((each, fitting(code, data, key)))
    counts = Counter(form for _, found in fits for form in found)
    best = counts.most_common(1)[0][0] if counts else None
    for each, found in fits:
        if best in found:
            session.findings.hold(CODES, each.seen)
            continue
        code = each.record["authentication_code"]
        seen = f"authentication_code {code!r}, which is not one"
        if best is not None:
            seen = "a code that is not one, or has another form than the others"
        wanted = "an HMAC of the data object with the secret key of the webhook definition"
        violation = Violation(CODES, each.seen, expected=wanted, seen=seen, record=each.id)
        session.findings.broke(violation)


# Failures.


def _failures(session: Session) -> None:
    """Send again what the server failed at, and find out what it fails at each time."""
    service = session.oracle.service
    with suppress(BudgetSpent, Unreachable):
        for _ in range(2):
            for call in service.to_repeat():
                session.send(session.renewed(call))
    for violation in service.conclude():
        session.findings.broke(violation)
