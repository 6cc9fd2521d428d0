"""Read recorded traffic: HAR files of browsers, of mitmproxy, of the mock, or of the kit itself.

Entries that show a request of the API and its whole response become exchanges. All others are
counted by the reason why they are left out. Nothing is sent.
"""

import base64
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import httpx

from crmcom_kit.contract_tests.client.exchanges import NOT_JSON, OUTAGES, Call, Exchange, parsed
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.options.options import OptionsError
from crmcom_kit.contract_tests.oracle.client_mistakes import REMOVED, is_of_api
from crmcom_kit.contract_tests.oracle.parsing import query_pairs, read
from crmcom_kit.har import CUT, OF_CHECK, RELEASE
from crmcom_kit.schemas.methods import API_PATH
from crmcom_kit.schemas.releases import Release, UnknownRelease, resolve

#: The maximum number of bytes of all files of a recording.
MAX_BYTES = 512 * 1024 * 1024

_GATEWAYS = (429, *OUTAGES)
#: A path that contains this, ends in a method's path and is not below the API is a mistake.
_ASTRAY = f"{API_PATH.rsplit('/', 2)[0]}/"
#: The methods that take a token.
_WITH_TOKEN = ("show", "list", "resend", "delete", "token_release")
_KEPT_HEADERS = ("authorization", "content-type")

Entry = Mapping[str, Any]


class RecordingError(OptionsError):
    """A recording that cannot be read, or has nothing to check; the text is one line."""

    def __init__(self, text: str) -> None:
        super().__init__(f"--from-har: {text}")


class Skip(Exception):
    """An entry that is not checked; the text is its kind."""


#: The kinds of entries that are not checked, as they are counted.
ELSEWHERE = "of other hosts or paths"
UNKNOWN_METHOD = "of other methods"
NO_RESPONSE = "without a response of the server, or from a cache"
CUT_OFF = "with an incomplete body"
GATEWAY = "with a response of a gateway (429, 502, 503, 504)"
TWICE = "that are recorded twice"
UNREADABLE = "that cannot be read"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange of a recording."""

    exchange: Exchange
    start: float  # seconds since 1970
    why_missing: str = ""  # why its response is not known; what it did is not known then, either
    expected_refusal: bool = False  # whether the client expected it, as the entry says
    is_of_kit: bool = False  # whether it is a request of the kit, and of no client

    @property
    def is_lost(self) -> bool:
        """Whether the client got no response, as far as the recording shows."""
        return self.why_missing == NO_RESPONSE and not self.exchange.status

    @property
    def end(self) -> float:
        """When the response had arrived, in seconds since 1970."""
        return self.start + self.exchange.seconds


@dataclass(frozen=True, slots=True)
class Recording:
    """The traffic of one server, in the order in which requests were made."""

    base_url: str
    release: Release
    says_release: bool  # whether the release is the one that the files state
    exchanges: tuple[Recorded, ...]
    skips: str  # how many entries are not checked, and why: "3 of other hosts or paths, 1 …"

    @property
    def began(self) -> str:
        """When the first request was made, as ISO 8601 in UTC."""
        start = datetime.fromtimestamp(self.exchanges[0].start, UTC)
        return start.isoformat(timespec="seconds")


def read_recording(
    paths: Sequence[Path], release: Release | None = None, base_url: str | None = None
) -> Recording:
    """Read several HAR files as one recording, in the order of their times.

    Args:
        paths: the files.
        release: that of the server; None: the one that the files state, else the default.
        base_url: the base URL of the server; None: any that ends in the API's path.

    Raises:
        RecordingError: a file cannot be read or is no HAR; nothing concerns the API; or there are
            several servers, or releases.
    """
    logs = _logs(paths)
    stated_release = None if release is not None else _release_of(logs)
    release = release or stated_release or resolve()
    by_server, skips = _by_server(logs, release, base_url)
    strays = by_server.pop("", [])
    bases = [
        base
        for base, exchanges in by_server.items()
        if not all(recorded.why_missing for recorded in exchanges)
    ] or [*by_server]
    if len(bases) > 1:
        counts = ", ".join(f"{base} ({len(by_server[base])})" for base in sorted(bases))
        msg = f"the recording has several servers; choose one with --base-url: {counts}"
        raise RecordingError(msg)
    reasons = ", ".join(f"{count} {why}" for why, count in sorted(skips.items()))
    if not bases:
        names = ", ".join(map(str, paths))
        condition = f"below {base_url}" if base_url else f"with {API_PATH} in its URL"
        msg = f"nothing in {names} concerns the API: no request {condition}"
        raise RecordingError(f"{msg}; skipped: {reasons}" if reasons else msg)
    base, origin = bases[0], f"{_origin(bases[0])}/"
    strays = [recorded for recorded in strays if recorded.exchange.call.path.startswith(origin)]
    exchanges = _in_order([*by_server[base], *strays])
    return Recording(base, release, stated_release is not None, exchanges, reasons)


def _by_server(
    logs: Sequence["_Log"], release: Release, base_url: str | None
) -> tuple[dict[str, list[Recorded]], Counter[str]]:
    """Return exchanges by base URL, and how many entries were skipped, by the reason."""
    by_server: dict[str, list[Recorded]] = defaultdict(list)
    skips: Counter[str] = Counter()
    # How often a file has an exchange. Equal ones in one file are several: its clock may stand.
    repeats: Counter[int] = Counter()
    for log in logs:
        times: Counter[int] = Counter()  # in this file
        for entry in log.entries:
            try:
                base, recorded = _recorded(entry, release, base_url)
            except Skip as why:
                skips[str(why)] += 1
                continue
            call = recorded.exchange.call
            request = (base, call.verb, call.path, call.query, call.body)
            mark = hash((recorded.start, request, recorded.exchange.content))
            times[mark] += 1
            if times[mark] <= repeats[mark]:
                skips[TWICE] += 1
                continue
            repeats[mark] = times[mark]
            is_expected = entry.get("_expected_refusal") is True
            is_of_kit = log.creator == OF_CHECK
            recorded = replace(recorded, expected_refusal=is_expected, is_of_kit=is_of_kit)
            by_server[base].append(recorded)
            if recorded.why_missing:
                skips[recorded.why_missing] += 1
    return by_server, skips


def release_in(paths: Sequence[Path]) -> Release:
    """Return the release that HAR files state, else the default. Raises RecordingError."""
    return _release_of(_logs(paths)) or resolve()


class _Log(NamedTuple):
    """The content of a HAR file."""

    path: Path
    creator: Any  # the name of the program that wrote it
    release: Any  # of the server, if it states it
    entries: list[Any]


def _logs(paths: Sequence[Path]) -> list[_Log]:
    """Return the contents of several files. Raises RecordingError."""
    logs, room = [], MAX_BYTES
    for path in paths:
        content = _content(path, room)
        room -= len(content)
        logs.append(_log(path, content))
    return logs


def _release_of(logs: Sequence[_Log]) -> Release | None:
    """Return the release that files state; None if none does.

    Raises RecordingError: they state different releases, or an unknown one.
    """
    first_files: dict[Release, Path] = {}
    for log in logs:
        if log.release is None:
            continue
        try:
            first_files.setdefault(resolve(shortened(str(log.release), 80)), log.path)
        except UnknownRelease as error:
            msg = f"{log.path}: {error}; give --release"
            raise RecordingError(msg) from None
    if len(first_files) > 1:
        places = ", ".join(f"{path} is of {release.name}" for release, path in first_files.items())
        remedy = "check each by itself, or give --release"
        msg = f"the files are of different releases: {places}; {remedy}"
        raise RecordingError(msg)
    return next(iter(first_files), None)


def _content(path: Path, room: int) -> bytes:
    """Return the bytes of a file. Raises RecordingError if there are more than ``room``."""
    try:
        with path.open("rb") as file:
            content = file.read(room + 1)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or type(error).__name__}"
        raise RecordingError(msg) from None
    if len(content) > room:
        msg = f"the files have more than {MAX_BYTES // 1024**2} MB; check them in parts"
        raise RecordingError(msg)
    return content


def _log(path: Path, text: bytes) -> _Log:
    """Return the content of a HAR file. Raises RecordingError."""
    content = parsed(text)
    if content is NOT_JSON:
        msg = f"{path} is not valid JSON"
        raise RecordingError(msg)
    log = _object(content, "log")
    entries = log.get("entries")
    if not isinstance(entries, list):
        msg = f"{path} is not a HAR file: it has no log.entries"
        raise RecordingError(msg)
    return _Log(path, _object(log, "creator").get("name"), log.get(RELEASE), entries)


def _in_order(recording: Sequence[Recorded]) -> tuple[Recorded, ...]:
    """Return exchanges in the order of their starts, with numbers from 1.

    The number of one without its response is 0. If no request has a token, tokens were removed, and
    each gets a placeholder.
    """
    has_tokens = any(_carries_token(recorded.exchange.call) for recorded in recording)
    numbers, result = count(1), list[Recorded]()
    for recorded in sorted(recording, key=lambda recorded: recorded.start):
        call, number = recorded.exchange.call, 0 if recorded.why_missing else next(numbers)
        if not has_tokens and call.method in _WITH_TOKEN:
            call = replace(call, headers=(*call.headers, ("Authorization", REMOVED)))
        exchange = recorded.exchange.changed(number=number, call=call)
        result.append(replace(recorded, exchange=exchange))
    return tuple(result)


def _carries_token(call: Call) -> bool:
    """Return whether a request has a token, in any place."""
    is_in_header = any(name.lower() == "authorization" for name, _ in call.headers)
    is_in_query = any(name == "token" for name, _ in query_pairs(call.query))
    return "token" in call.parameters or is_in_header or is_in_query


# One entry.


def _recorded(entry: Any, release: Release, base_url: str | None) -> tuple[str, Recorded]:
    """Return the base URL and the exchange of an entry. Raises Skip."""
    request, response = _object(entry, "request"), _object(entry, "response")
    if not isinstance(request.get("url"), str) or not isinstance(request.get("method"), str):
        raise Skip(UNREADABLE)
    base, path, query = _place(request, base_url)
    start = _moment(entry)
    call = Call("", request["method"].upper(), path, query, _sent(request), _headers(request))
    parsed_request = read(call, release)
    is_unknown = parsed_request.method is None and not is_of_api(call, release)
    if is_unknown or call.verb in ("OPTIONS", "HEAD"):
        raise Skip(UNKNOWN_METHOD)
    headers = tuple(pair for pair in call.headers if pair[0].lower() in _KEPT_HEADERS)
    call = replace(
        call, method=parsed_request.name, parameters=parsed_request.parameters, headers=headers
    )
    status = _status(response)
    try:
        body = _received(entry, response, status)
        why_missing = "" if parsed_request.method is not None else UNKNOWN_METHOD
    except Skip as why:
        body, why_missing = b"", str(why)
    exchange = Exchange(0, call, status, _headers(response), body, _seconds(entry))
    return base, Recorded(exchange, start, why_missing)


def _status(response: Entry) -> int:
    """Return the HTTP status; 0 if the client got no response, or not all of it."""
    status, state = response.get("status"), response.get("_charlesStatus")
    is_incomplete = isinstance(state, str) and state.upper() != "COMPLETE"
    if is_incomplete or response.get("_error") or response.get("_failureText"):
        return 0
    return status if isinstance(status, int) and status > 0 else 0


def _seconds(entry: Entry) -> float:
    """Return how long the response took; 0 if that is not known."""
    time = entry.get("time")
    return time / 1000 if isinstance(time, int | float) and 0 < time < 86_400_000 else 0.0


def _moment(entry: Entry) -> float:
    """Return the seconds since 1970 of an entry's date. Raises Skip."""
    try:
        moment = datetime.fromisoformat(entry["startedDateTime"])
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).timestamp()  # the ends of the calendar have none
    except (TypeError, KeyError, ValueError, OverflowError):
        raise Skip(UNREADABLE) from None


def _place(request: Entry, base_url: str | None) -> tuple[str, str, str]:
    """Return base URL, path below it and query of a request. Raises Skip.

    A request that may have gone astray has no base URL, and its path is a whole URL.
    """
    try:
        parts = urlsplit(request["url"])
        origin = _origin(request["url"])
    except (ValueError, httpx.InvalidURL):
        raise Skip(ELSEWHERE) from None
    if base_url:
        prefix = urlsplit(base_url).path
        is_of_server = origin == _origin(base_url) and parts.path.startswith(f"{prefix}/")
    else:
        head, path, _ = parts.path.partition(f"{API_PATH}/")
        prefix, is_of_server = f"{head}{API_PATH}", bool(path)
    if is_of_server:
        return f"{origin}{prefix}", parts.path[len(prefix) + 1 :], parts.query
    if not base_url and _ASTRAY in parts.path:
        return "", f"{origin}{parts.path}", parts.query
    raise Skip(ELSEWHERE)


def _origin(url: str) -> str:
    """Return scheme, host and port of a URL, normalized. Raises InvalidURL, ValueError."""
    parts = urlsplit(url)
    normal_url = httpx.URL(f"{parts.scheme}://{parts.netloc}")
    return f"{normal_url.scheme}://{normal_url.netloc.decode('ascii')}"


def _sent(request: Entry) -> bytes | None:
    """Return the body of a request, or None. Raises Skip: it is not recorded."""
    data, size = _object(request, "postData"), request.get("bodySize")
    if data.get("params") and not data.get("text"):
        return _form(data["params"])
    if isinstance(data.get("text"), str) and (data["text"] or size == 0):
        return _whole(data, size) or None
    if request["method"].upper() == "POST" and (data or size != 0):
        raise Skip(CUT_OFF)  # of other methods nothing is in the body
    return None


def _form(params: Any) -> bytes:
    """Return the body of a form. Raises Skip: it is not recorded.

    Charles takes JSON for a form if the content type says so, as curl's does. The JSON is then the
    name of a parameter without a value.
    """
    try:
        pairs = [(param["name"], param.get("value", "")) for param in params]
        text = pairs[0][0] if len(pairs) == 1 and not pairs[0][1] else urlencode(pairs)
        return str(text).encode("utf-8", "surrogatepass")
    except (TypeError, KeyError, AttributeError, UnicodeError):
        raise Skip(UNREADABLE) from None


def _received(entry: Entry, response: Entry, status: int) -> bytes:
    """Return the body of a response. Raises Skip: it is not recorded, or not the server's."""
    cache = _object(entry, "cache")
    is_cached = entry.get("_fromCache") or cache.get("beforeRequest") or cache.get("afterRequest")
    content = _object(response, "content")
    text, size = content.get("text"), content.get("size")
    is_missing = not isinstance(text, str) or (not text and size != 0)
    if status < 200 or 300 <= status < 400 or is_cached or is_missing:
        raise Skip(NO_RESPONSE)
    body = _whole(content, size)
    code = Exchange(0, Call("", "GET", ""), status, (), body, 0.0).code
    if status in _GATEWAYS and (status == 429 or code is None):
        raise Skip(GATEWAY)
    return body


_HIDDEN = re.compile(r"\*\*\*|\$CRMCOM_")


def _whole(message: Entry, size: Any) -> bytes:
    """Return the body in a message's ``text``.

    Raises Skip if it was cut, which shows in JSON without an end.
    """
    text: str = message["text"]
    try:
        is_coded = message.get("encoding") == "base64"
        body = base64.b64decode(text) if is_coded else text.encode("utf-8", "surrogatepass")
    except ValueError:
        raise Skip(UNREADABLE) from None
    # With secrets removed, a text may be shorter than what was sent.
    is_short = isinstance(size, int) and size > len(body) and not _HIDDEN.search(text)
    is_cut = is_short or str(message.get("comment")).startswith(CUT)
    if is_cut and parsed(body) is NOT_JSON:
        raise Skip(CUT_OFF)
    return body


def _object(value: Any, name: str) -> Entry:
    """Return a member that is an object, else an empty one."""
    member = value.get(name) if isinstance(value, Mapping) else None
    return member if isinstance(member, Mapping) else {}


def _headers(message: Entry) -> tuple[tuple[str, str], ...]:
    """Return the headers of a request or a response."""
    headers = message.get("headers")
    return tuple(
        (header["name"], str(header.get("value")))
        for header in (headers if isinstance(headers, list) else ())
        if isinstance(header, Mapping) and isinstance(header.get("name"), str)
    )
