"""Responses of recorded traffic, for a mock to send again."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from crmcom_kit.har import CUT
from crmcom_kit.mock_server.journal.patterns import check_one_of
from crmcom_kit.mock_server.python_api.arguments import hides_our_frames, integer, text
from crmcom_kit.schemas import methods, release_names, resolve
from crmcom_kit.usage_errors import NotFound, UsageError, quoted

if TYPE_CHECKING:
    from crmcom_kit.mock_server.faults.specification import Respond

_MAX_BYTES = 512 * 1024 * 1024
_MAX_PLACE = 1_000_000
_CHARSET = re.compile(r"; *charset=\"?([\w.:-]+)", re.IGNORECASE)


@hides_our_frames
def recorded_response(
    path: str | Path, operation: str | None = None, /, *, at: int = 0
) -> "Respond":
    """Return a response of a HAR file, for ``fail(respond=…)``: its status, type and body.

        mock.fail(operation="list", respond=recorded_response("traffic.har", "list"))

    Args:
        path: the file, from a browser, a proxy or crmcom-kit.
        operation: only responses to this operation count, such as ``list``.
        at: the index of the response, from 0; -1 is the last.

    Raises:
        UsageError: the file is not a HAR, or does not have the complete response.
        NotFound: there is no response at this index.
    """
    integer("at", at, -_MAX_PLACE, _MAX_PLACE)
    entries = _entries(path if isinstance(path, Path) else Path(text("path", path)))
    if operation is not None:
        items_of_releases = (methods(resolve(release)).items() for release in release_names())
        paths = {name: method.path for items in items_of_releases for name, method in items}
        check_one_of("operation", operation, paths)
        end = f"/{paths[operation]}"
        entries = [entry for entry in entries if _path(entry).endswith(end)]
    try:
        entry = entries[at]
    except IndexError:
        noun = "responses" if operation is None else f"responses to {quoted(operation)}"
        allowed = f"one of the {len(entries):,} {noun} in {path}"
        raise NotFound("at", seen=str(at), allowed=allowed) from None
    response = _member(entry, "response", dict)
    content = _member(response, "content", dict)
    body, content_type = content.get("text"), str(content.get("mimeType") or "application/json")
    if not isinstance(body, str) or str(content.get("comment", "")).startswith(CUT):
        raise UsageError("at", seen=f"response {at} without its whole body", allowed="all of it")
    respond: Respond = {"status": response.get("status", 0), "content_type": content_type}
    if content.get("encoding") == "base64":
        return {**respond, "body": body, "encoding": "base64"}
    return {**respond, "body": _encode(body, content_type)}


def _encode(body: str, content_type: str) -> bytes:
    """Return a text in the charset of its content type, or in UTF-8."""
    charset = _CHARSET.search(content_type)
    try:
        return body.encode(charset[1] if charset else "utf-8")
    except (LookupError, UnicodeError):
        return body.encode("utf-8", "surrogatepass")


def _entries(path: Path) -> list[Any]:
    """Return the entries of a HAR file. Raises UsageError."""
    allowed = f"a HAR file of at most {_MAX_BYTES:,} bytes"
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError("path", seen=f"{path}: {error.strerror}", allowed=allowed) from None
    if len(content) > _MAX_BYTES:
        raise UsageError("path", seen=f"{path}, which has more", allowed=allowed)
    try:
        archive = json.loads(content)
    except (ValueError, RecursionError):
        raise UsageError("path", seen=f"{path}, which is not JSON", allowed=allowed) from None
    entries: list[Any] = _member(_member(archive, "log", dict), "entries", list)
    return entries


def _path(entry: Any) -> str:
    url: str = _member(_member(entry, "request", dict), "url", str)
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:  # e.g. brackets without an address
        return ""


def _member(value: Any, name: str, kind: type) -> Any:
    """Return a member of an object. Raises UsageError if it is missing or has another type."""
    member = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(member, kind):
        raise UsageError("path", seen=f"no {name} of a HAR", allowed="a HAR 1.2 archive")
    return member
