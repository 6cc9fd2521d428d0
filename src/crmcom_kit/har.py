"""The form of a HAR 1.2 archive, which browsers and proxies read. It redacts nothing."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from crmcom_kit import __version__

Headers = Sequence[tuple[str, str]]


class HarRequest(NamedTuple):
    """A request, as an entry shows it."""

    verb: str
    url: str  # without its query
    query: str
    headers: Headers
    body: str | None
    body_type: str
    body_size: int  # in bytes, as it was sent
    body_comment: str = ""  # what was done to the body, such as that it is cut


class HarResponse(NamedTuple):
    """A response, as an entry shows it."""

    status: int
    headers: Headers
    body: str
    body_type: str
    body_size: int
    location: str = ""
    body_comment: str = ""


#: How the comment of a body begins that is not whole.
CUT = "cut: "


#: The creator of an archive of the kit's own requests: many of them are wrong on purpose.
OF_CHECK = "crmcom-kit check"
#: The member of an archive's log that names the release of the server.
RELEASE = "_release"


def archive(
    entries: Iterable[dict[str, Any]], release: str, creator_name: str = "crmcom-kit"
) -> dict[str, Any]:
    """Return an archive of ``entries``, of a server of ``release``."""
    creator = {"name": creator_name, "version": __version__}
    log = {"version": "1.2", "creator": creator, RELEASE: release, "pages": []}
    return {"log": log | {"entries": list(entries)}}


def archive_text(
    entries: Iterable[dict[str, Any]], release: str, creator_name: str = "crmcom-kit"
) -> Iterator[str]:
    """Yield the text of an archive in pieces, an entry at a time, so that none are kept."""
    start, end = json.dumps(archive([], release, creator_name)).rsplit("[]", 1)
    yield f"{start}["
    separator = "\n"
    for exchange in entries:
        yield f"{separator}{json.dumps(exchange)}"  # in ASCII: no character turns a line around
        separator = ",\n"
    yield f"\n]{end}\n"


def entry(
    began: datetime, milliseconds: float, request: HarRequest, response: HarResponse, comment: str
) -> dict[str, Any]:
    """Return one exchange; ``milliseconds`` are 0 if the time was not taken."""
    return {
        "startedDateTime": began.isoformat(timespec="milliseconds"),
        "time": milliseconds,
        "request": _request(request),
        "response": _response(response),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "comment": comment,
    }


def _request(asked: HarRequest) -> dict[str, Any]:
    pairs = parse_qsl(asked.query, keep_blank_values=True, errors="backslashreplace")
    request: dict[str, Any] = {
        "method": asked.verb,
        "url": asked.url + (f"?{asked.query}" if asked.query else ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(asked.headers),
        "queryString": [{"name": name, "value": value} for name, value in pairs],
        "headersSize": -1,
        "bodySize": asked.body_size,
    }
    if asked.body is not None:
        posted = {"mimeType": asked.body_type, "text": asked.body}
        request["postData"] = posted | _comment(asked.body_comment)
    return request


def _response(answered: HarResponse) -> dict[str, Any]:
    content = {"size": answered.body_size, "mimeType": answered.body_type, "text": answered.body}
    return {
        "status": answered.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(answered.headers),
        "content": content | _comment(answered.body_comment),
        "redirectURL": answered.location,
        "headersSize": -1,
        "bodySize": answered.body_size,
    }


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _comment(comment: str) -> dict[str, str]:
    return {"comment": comment} if comment else {}
