"""The traffic of a run as a HAR 1.2 archive, which browsers and proxies read."""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from crmcom_kit import __version__
from crmcom_kit.contract_tests.reports.masks import Masks
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.contract_tests.sending.exchanges import Exchange

_SECRET_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})
_NO_TIME = "1970-01-01T00:00:00+00:00"


def written(results: Results) -> str:
    """Return the archive as text, without secrets."""
    masks = Masks(results.target, results.history)
    began = datetime.fromisoformat(results.began or _NO_TIME)
    entries, elapsed = [], 0.0
    for exchange in results.history:
        moment = began + timedelta(seconds=elapsed)
        entries.append(_entry(exchange, results.target.base_url, moment, masks))
        elapsed += exchange.seconds
    creator = {"name": "crmcom-kit", "version": __version__}
    log = {"version": "1.2", "creator": creator, "pages": [], "entries": entries}
    return json.dumps({"log": log}, ensure_ascii=False, indent=1) + "\n"


def _entry(exchange: Exchange, base: str, moment: datetime, masks: Masks) -> dict[str, Any]:
    milliseconds = round(exchange.seconds * 1000, 3)
    return {
        "startedDateTime": moment.isoformat(timespec="milliseconds"),
        "time": milliseconds,
        "request": _request(exchange, base, masks),
        "response": _response(exchange, masks),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "comment": f"{exchange.number}: {exchange.call.method}",
    }


def _request(exchange: Exchange, base: str, masks: Masks) -> dict[str, Any]:
    call = exchange.call
    query = masks.text(call.query)
    pairs = parse_qsl(query, keep_blank_values=True, errors="backslashreplace")
    request: dict[str, Any] = {
        "method": call.verb,
        "url": masks.text(f"{base}/{call.path}") + (f"?{query}" if query else ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(call.headers, masks),
        "queryString": [{"name": name, "value": value} for name, value in pairs],
        "headersSize": -1,
        "bodySize": len(call.body or b""),
    }
    if call.body is not None:
        text = masks.content(call.body)
        request["postData"] = {"mimeType": "application/json", "text": text}
    return request


def _response(exchange: Exchange, masks: Masks) -> dict[str, Any]:
    content = {
        "size": len(exchange.content),
        "mimeType": exchange.header("Content-Type") or "",
        "text": masks.content(exchange.content),
    }
    return {
        "status": exchange.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(exchange.headers, masks),
        "content": content,
        "redirectURL": exchange.header("Location") or "",
        "headersSize": -1,
        "bodySize": len(exchange.content),
    }


def _headers(headers: tuple[tuple[str, str], ...], masks: Masks) -> list[dict[str, str]]:
    return [
        {"name": name, "value": "***" if name.lower() in _SECRET_HEADERS else masks.text(value)}
        for name, value in headers
    ]
