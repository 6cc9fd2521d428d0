"""Conclude what only a whole run shows: authentication codes, and failures that come each time."""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from itertools import product
from typing import Any

from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.errors import BudgetSpent, Unreachable
from crmcom_kit.contract_tests.oracle.findings import Violation
from crmcom_kit.schemas.dialect import dials
from crmcom_kit.schemas.members import value_at
from crmcom_kit.schemas.signing import verify

CODES = "response.authentication_code.hmac"
#: What the documents leave open about a code. Every form that these dials allow is tried.
_OPEN = ("algorithm", "encoding", "canonical_form", "charset")

Form = tuple[Any, ...]  # a choice of each of these dials


def conclude(session: Session, secret_keys: Mapping[str, str]) -> None:
    """Add to the findings what all exchanges together show. Raises TargetDown."""
    _codes(session, secret_keys)
    _failures(session)


# Authentication codes.


def _codes(session: Session, secret_keys: Mapping[str, str]) -> None:
    """Find out whether each authentication code is an HMAC of its data object, all in one form."""
    codes = []
    for record, fields in session.belief.records.wholes() if secret_keys else ():
        code, data = fields.get("authentication_code"), _signed_data(fields.get("request"))
        key = secret_keys.get(str(value_at(fields, "webhook_definition.id")))
        if isinstance(code, str) and key and data is not None:
            codes.append((record, code, _forms(code, data, key)))
    counts = Counter(form for _, _, forms in codes for form in forms)
    usual_form = counts.most_common(1)[0][0] if counts else None
    for record, code, forms in codes:
        if usual_form in forms:
            session.findings.hold([CODES], record.last_seen)
            continue
        seen = f"authentication_code {code!r}, which is not one"
        if usual_form is not None:
            seen = "a code that is not one, or has another form than the others"
        expected = "an HMAC of the data object with the secret key of the webhook definition"
        violation = Violation(CODES, (record.last_seen,), expected, seen, record.id)
        session.findings.note_violation(violation)


def _forms(code: str, data: Mapping[str, Any], key: str) -> set[Form]:
    """Return the forms in which ``code`` is the HMAC of ``data`` with ``key``."""
    forms = set()
    for form in product(*(dials()[f"signing.{name}"].choices for name in _OPEN)):
        with suppress(ValueError):  # it is not valid JSON, so nobody has signed it
            if verify(code, data, key, **dict(zip(_OPEN, form, strict=True))):
                forms.add(form)
    return forms


def _signed_data(request: Any) -> Mapping[str, Any] | None:
    """Return the signed data object of a recorded ``request``, an object or JSON text.

    That is its member ``data``, else all of it. None if it is no object.
    """
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
    """Send failed requests again, and note those that fail each time."""
    service = session.oracle.service
    with suppress(BudgetSpent):
        for call in service.to_repeat() * 2:
            with suppress(Unreachable):
                session.send(session.with_current_token(call))
    for violation in service.conclude():
        session.findings.note_violation(violation)
