"""What only the whole run tells: authentication codes, and failures that come each time."""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from itertools import product
from typing import Any

from crmcom_kit.contract_tests.belief.knowledge import value_at
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.errors import BudgetSpent, Unreachable
from crmcom_kit.contract_tests.oracle.findings import Violation
from crmcom_kit.schemas.dialect import dials
from crmcom_kit.schemas.signing import verify

CODES = "response.authentication_code.hmac"
#: What the documents leave open about a code: so every form that these dials know is tried.
_OPEN = ("algorithm", "encoding", "canonical_form", "charset")

Form = tuple[Any, ...]  # a choice for each of these


def conclude(session: Session, secret_keys: Mapping[str, str]) -> None:
    """Find out all that the run so far tells. Raises TargetDown."""
    _codes(session, secret_keys)
    _failures(session)


# Authentication codes.


def _codes(session: Session, secret_keys: Mapping[str, str]) -> None:
    """Find out whether each authentication code is an HMAC of its data object, all in one form."""
    fits = []
    for each, record in session.belief.wholes() if secret_keys else ():
        code, data = record.get("authentication_code"), _data_of(record.get("request"))
        key = secret_keys.get(str(value_at(record, "webhook_definition.id")))
        if isinstance(code, str) and key and data is not None:
            fits.append((each, code, _fitting(code, data, key)))
    counts = Counter(form for _, _, found in fits for form in found)
    best = counts.most_common(1)[0][0] if counts else None
    for each, code, found in fits:
        if best in found:
            session.findings.hold(CODES, each.last_seen)
            continue
        seen = f"authentication_code {code!r}, which is not one"
        if best is not None:
            seen = "a code that is not one, or has another form than the others"
        wanted = "an HMAC of the data object with the secret key of the webhook definition"
        violation = Violation(CODES, each.last_seen, expected=wanted, seen=seen, record=each.id)
        session.findings.broke(violation)


def _fitting(code: str, data: Mapping[str, Any], key: str) -> set[Form]:
    """Return the forms in which ``code`` is the HMAC of ``data`` with ``key``."""
    found = set()
    for form in product(*(dials()[f"signing.{name}"].choices for name in _OPEN)):
        with suppress(ValueError):  # no valid JSON, and so nobody has signed it
            if verify(code, data, key, **dict(zip(_OPEN, form, strict=True))):
                found.add(form)
    return found


def _data_of(request: Any) -> Mapping[str, Any] | None:
    """Return the data object in a ``request`` that is shown, as object or as text; else None."""
    if isinstance(request, str):
        try:
            request = json.loads(request)
        except (ValueError, RecursionError):
            return None
    if not isinstance(request, Mapping):
        return None
    data = request.get("data")
    return data if isinstance(data, Mapping) else request


# Failures.


def _failures(session: Session) -> None:
    """Send again what the server failed at, and find out what it fails at each time."""
    service = session.oracle.service
    with suppress(BudgetSpent):
        for call in service.to_repeat() * 2:
            with suppress(Unreachable):
                session.send(session.renewed(call))
    for violation in service.conclude():
        session.findings.broke(violation)
