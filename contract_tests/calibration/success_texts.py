"""The texts that a server puts into its successes: status.message and status.description."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from crmcom_kit.contract_tests.calibration.learned import Learned
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.schemas.dialect import dials

#: The dials, each with the member of a status that it is about.
SUCCESS_TEXTS = {"envelope.messages": "message", "envelope.descriptions": "description"}
_OF_RECORDS = ("show", "list", "resend", "delete")
_MAX_LENGTH = 500  # of a text


def success_texts(exchanges: Sequence[Exchange]) -> dict[str, Learned]:
    """Return the texts of successes, by dial."""
    return {dial: _learned(exchanges, member) for dial, member in SUCCESS_TEXTS.items()}


def _learned(exchanges: Sequence[Exchange], member: str) -> Learned:
    seen = defaultdict[str, list[tuple[str, str]]](list)  # by method: texts, with placeholders
    dial = dials()["envelope.messages"]
    for exchange in exchanges:
        if not exchange.ok:
            continue
        text = exchange.envelope["status"].get(member) or ""
        method = _method(exchange)
        if dial.accepts({method: text}) and len(text) <= _MAX_LENGTH:
            seen[method].append((text, _with_placeholders(text, exchange)))
    table, varying = dict[str, str](), list[str]()
    for method, texts in seen.items():
        whole, general = (Counter(column) for column in zip(*texts, strict=True))
        usual = general if len(general) <= len(whole) else whole
        table[method] = usual.most_common(1)[0][0]
        if len(usual) > 1:
            varying.append(f"{method}: {counted(len(usual), 'text')}")
    if "resend" not in table and "failed_resend" in table:  # it may be sent later
        table["resend"] = table["failed_resend"]
    alike = [text for method, text in table.items() if method in _OF_RECORDS]
    is_same = len(set(alike)) == 1
    unseen = [name for name in _OF_RECORDS if name not in table] if is_same else []
    table |= dict.fromkeys(unseen, alike[0]) if unseen else {}
    why = f"observed ({counted(sum(map(len, seen.values())), 'response')}"
    why += f"; {' and '.join(unseen)} as other methods)" if unseen else ")"
    if varying:
        why = f"unsettled (texts differ: {', '.join(varying)})"
    return Learned([{method: text for method, text in table.items() if text}], why)


def _method(exchange: Exchange) -> str:
    """Return the method, as the dials call it."""
    is_rejected = isinstance(exchange.data, dict) and (
        exchange.data.get("life_cycle_state") == "REJECTED"
    )
    method = exchange.call.method
    return "failed_resend" if method == "resend" and is_rejected else method


def _with_placeholders(text: str, exchange: Exchange) -> str:
    """Return a text with placeholders where it has what the response is about."""
    values: dict[str, Any] = {}
    if exchange.call.method == "list":
        values["results"] = len(exchange.records)
    elif isinstance(exchange.data, dict):
        values = {name: exchange.data.get(name) for name in ("id", "number")}
    for name, value in values.items():
        if value is not None and str(value) in text:
            text = re.sub(rf"(?<!\w){re.escape(str(value))}(?!\w)", f"{{{name}}}", text)
    return text
