"""The traffic of a run as a HAR 1.2 archive, which browsers and proxies read."""

import json
from datetime import datetime, timedelta
from typing import Any

from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.recording import ANEW
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.schemas.har import Answered, Asked, archive, entry

_SECRET_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})
_NO_TIME = "1970-01-01T00:00:00+00:00"


def written(results: Results) -> str:
    """Return the archive as text, without secrets."""
    redactor = ReportRedactor(results.target, results.history)
    began = datetime.fromisoformat(results.began or _NO_TIME)
    entries, elapsed = [], 0.0
    for exchange in results.history:
        moment = began + timedelta(seconds=elapsed)
        entries.append(_entry(exchange, results.target.base_url, moment, redactor))
        if exchange.number in results.renewed:
            entries[-1]["comment"] += ANEW
        elapsed += exchange.seconds
    return json.dumps(archive(entries), ensure_ascii=False, indent=1) + "\n"


def _entry(
    exchange: Exchange, base: str, moment: datetime, redactor: ReportRedactor
) -> dict[str, Any]:
    call = exchange.call
    asked = Asked(
        verb=call.verb,
        url=redactor.text(f"{base}/{call.path}"),
        query=redactor.query(call.query),
        headers=_headers(call.headers, redactor),
        body=None if call.body is None else redactor.content(call.body),
        body_type="application/json",
        body_size=len(call.body or b""),
    )
    answered = Answered(
        status=exchange.status,
        headers=_headers(exchange.headers, redactor),
        body=redactor.content(exchange.content),
        body_type=exchange.header("Content-Type") or "",
        body_size=len(exchange.content),
        location=redactor.text(exchange.header("Location") or ""),
    )
    comment = f"{exchange.number}: {call.method}"
    return entry(moment, round(exchange.seconds * 1000, 3), asked, answered, comment)


def _headers(
    headers: tuple[tuple[str, str], ...], redactor: ReportRedactor
) -> list[tuple[str, str]]:
    return [
        (name, "***" if name.lower() in _SECRET_HEADERS else redactor.text(value))
        for name, value in headers
    ]
