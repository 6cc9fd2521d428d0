"""The traffic of a run as a HAR 1.2 archive, which browsers and proxies read."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.har import CUT, OF_CHECK, HarRequest, HarResponse, archive_text, entry
from crmcom_kit.redaction import MASK, is_secret_header

#: So many characters of each body are written.
MAX_BODY = 256 * 1024

_NO_TIME = "1970-01-01T00:00:00+00:00"


def written(
    report: Report,
    timed: Iterable[tuple[Exchange, float]] | None = None,
    max_body: int = MAX_BODY,
) -> Iterator[str]:
    """Yield the archive's text in pieces, without secrets; long bodies are cut.

    Args:
        report: of a run; its requests were sent one after the other.
        timed: what to write instead, with when each request was made, in seconds since 1970.
        max_body: so many characters of each body are written.
    """
    base, redactor = report.results.target.base_url, report.redactor
    entries = (
        _entry(exchange, base, datetime.fromtimestamp(start, UTC), redactor, max_body)
        for exchange, start in timed or _one_by_one(report)
    )
    is_of_client = timed is not None or report.results.target.recorded
    return archive_text(entries) if is_of_client else archive_text(entries, OF_CHECK)


def _one_by_one(report: Report) -> Iterator[tuple[Exchange, float]]:
    start = datetime.fromisoformat(report.results.began or _NO_TIME).timestamp()
    for exchange in report.results.history:
        yield exchange, start
        start += exchange.seconds


def _entry(
    exchange: Exchange, base: str, moment: datetime, redactor: ReportRedactor, max_body: int
) -> dict[str, Any]:
    call = exchange.call
    sent, received = call.body or b"", exchange.content
    request = HarRequest(
        verb=call.verb,
        url=redactor.text(f"{base}/{call.path}"),
        query=redactor.query(call.query),
        headers=_headers(call.headers, redactor),
        body=None if call.body is None else redactor.content(sent, max_body),
        body_type="application/json",
        body_size=len(sent),
        body_comment=_comment(sent, max_body),
    )
    response = HarResponse(
        status=exchange.status,
        headers=_headers(exchange.headers, redactor),
        body=redactor.content(received, max_body),
        body_type=exchange.header("Content-Type") or "",
        body_size=len(received),
        location=redactor.text(exchange.header("Location") or ""),
        body_comment=_comment(received, max_body),
    )
    comment = f"{exchange.number}: {call.method}"
    return entry(moment, round(exchange.seconds * 1000, 3), request, response, comment)


def _comment(body: bytes, max_body: int) -> str:
    return f"{CUT}the first {max_body} of {len(body)} bytes" if len(body) > max_body else ""


def _headers(
    headers: tuple[tuple[str, str], ...], redactor: ReportRedactor
) -> list[tuple[str, str]]:
    return [
        (name, MASK if is_secret_header(name) else redactor.text(value)) for name, value in headers
    ]
