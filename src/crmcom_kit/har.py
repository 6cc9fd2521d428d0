"""The form of a HAR 1.2 archive, which browsers and proxies read. It redacts nothing."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from crmcom_kit import __version__

Headers = Sequence[tuple[str, str]]


class HarRequest(NamedTuple):
    """A request in an entry."""

    verb: str
    url: str  # without its query
    query: str
    headers: Headers
    body: str | None
    body_type: str
    body_size: int  # in bytes, as it was sent
    body_comment: str = ""  # a change of the body, such as a cut


class HarResponse(NamedTuple):
    """A response in an entry."""

    status: int
    headers: Headers
    body: str
    body_type: str
    body_size: int
    location: str = ""
    body_comment: str = ""


#: The beginning of the comment of a body that is not complete.
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
    """Yield the text of an archive, one entry at a time."""
    start, end = json.dumps(archive([], release, creator_name)).rsplit("[]", 1)
    yield f"{start}["
    separator = "\n"
    for entry_ in entries:
        yield f"{separator}{json.dumps(entry_)}"  # in ASCII, without characters that reverse text
        separator = ",\n"
    yield f"\n]{end}\n"


def entry(
    start: datetime, milliseconds: float, request: HarRequest, response: HarResponse, comment: str
) -> dict[str, Any]:
    """Return one exchange; ``milliseconds`` are 0 if the time was not measured."""
    return {
        "startedDateTime": start.isoformat(timespec="milliseconds"),
        "time": milliseconds,
        "request": _request(request),
        "response": _response(response),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "comment": comment,
    }


def _request(har_request: HarRequest) -> dict[str, Any]:
    pairs = parse_qsl(har_request.query, keep_blank_values=True, errors="backslashreplace")
    request: dict[str, Any] = {
        "method": har_request.verb,
        "url": har_request.url + (f"?{har_request.query}" if har_request.query else ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(har_request.headers),
        "queryString": [{"name": name, "value": value} for name, value in pairs],
        "headersSize": -1,
        "bodySize": har_request.body_size,
    }
    if har_request.body is not None:
        post_data = {"mimeType": har_request.body_type, "text": har_request.body}
        request["postData"] = post_data | _comment(har_request.body_comment)
    return request


def _response(response: HarResponse) -> dict[str, Any]:
    content = {"size": response.body_size, "mimeType": response.body_type, "text": response.body}
    return {
        "status": response.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(response.headers),
        "content": content | _comment(response.body_comment),
        "redirectURL": response.location,
        "headersSize": -1,
        "bodySize": response.body_size,
    }


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _comment(comment: str) -> dict[str, str]:
    return {"comment": comment} if comment else {}
