"""The traffic of a run as a HAR 1.2 archive, which browsers and proxies read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.har import CUT, OF_CHECK, HarRequest, HarResponse, archive_text, entry
from crmcom_kit.redaction import MASK, is_secret_header

#: The maximum number of characters of each body.
MAX_BODY = 256 * 1024

_NO_TIME = "1970-01-01T00:00:00+00:00"


def render(report: Report) -> Iterator[str]:
    """Yield the archive's text in pieces, without secrets; long bodies are cut."""
    entries, target = _entries(report), report.results.target
    marks = () if target.is_recorded else (OF_CHECK,)
    return archive_text(entries, target.release.name, *marks)


def _entries(report: Report) -> Iterator[dict[str, Any]]:
    moment = datetime.fromisoformat(report.results.began or _NO_TIME)
    for exchange in report.results.history:
        yield _entry(exchange, report.results.target.base_url, moment, report.redactor)
        moment += timedelta(seconds=exchange.seconds)


def _entry(
    exchange: Exchange, base: str, moment: datetime, redactor: ReportRedactor
) -> dict[str, Any]:
    call = exchange.call
    request_body, response_body = call.body or b"", exchange.content
    request = HarRequest(
        verb=call.verb,
        url=redactor.text(f"{base}/{call.path}"),
        query=redactor.query(call.query),
        headers=_headers(call.headers, redactor),
        body=None if call.body is None else redactor.content(request_body, MAX_BODY),
        body_type="application/json",
        body_size=len(request_body),
        body_comment=_comment(request_body),
    )
    response = HarResponse(
        status=exchange.status,
        headers=_headers(exchange.headers, redactor),
        body=redactor.content(response_body, MAX_BODY),
        body_type=exchange.header("Content-Type") or "",
        body_size=len(response_body),
        location=redactor.text(exchange.header("Location") or ""),
        body_comment=_comment(response_body),
    )
    comment = f"{exchange.number}: {call.method}"
    return entry(moment, round(exchange.seconds * 1000, 3), request, response, comment)


def _comment(body: bytes) -> str:
    return f"{CUT}the first {MAX_BODY} of {len(body)} bytes" if len(body) > MAX_BODY else ""


def _headers(
    headers: tuple[tuple[str, str], ...], redactor: ReportRedactor
) -> list[tuple[str, str]]:
    return [
        (name, MASK if is_secret_header(name) else redactor.text(value)) for name, value in headers
    ]
