"""Read recorded traffic: HAR files of browsers, of proxies, or of the kit itself.

Only entries that show a request of the API and its whole response become exchanges; the others
are counted, by the reason. Nothing is sent.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from crmcom_kit.contract_tests.client.exchanges import NOT_JSON, Call, Exchange, parsed
from crmcom_kit.contract_tests.options import OptionsError
from crmcom_kit.contract_tests.oracle.sense import read
from crmcom_kit.har import CUT
from crmcom_kit.redaction import MASK
from crmcom_kit.schemas.methods import API_PATH, methods
from crmcom_kit.schemas.releases import Release

#: So many bytes all files of a recording may have.
MAX_BYTES = 512 * 1024 * 1024
#: The comment of an entry that the kit wrote ends so, if the server had other content from then on.
ANEW = ", of a server with new content"
#: The Authorization header of a request from whose record it was, or may have been, removed.
HIDDEN_KEY = f"Basic {base64.b64encode(f'{MASK}:'.encode()).decode()}"

_GATEWAYS = (429, 502, 503, 504)
#: The methods that take a token.
_RECORD_METHODS = ("show", "list", "resend", "delete", "token_release")
_KEPT_HEADERS = ("authorization", "content-type")
#: Browsers that export no Authorization and no Cookie header unless told to.
_SANITIZING = ("webinspector", "webkit web inspector")

Entry = Mapping[str, Any]


class RecordingError(OptionsError):
    """A recording that cannot be read, or that has nothing to judge; one line."""

    def __init__(self, what: str) -> None:
        super().__init__(f"--from-har: {what}")


class _Skip(Exception):
    """An entry that is not judged; the text says which kind it is of."""


#: The kinds of entries that are not judged, as they are counted.
ELSEWHERE = "of other hosts or paths"
UNKNOWN_METHOD = "of methods that the release does not have"
PREFLIGHT = "of OPTIONS or HEAD"
CACHED = "from a browser's cache"
REDIRECTED = "that were redirected"
UNANSWERED = "without a response"
NO_BODY = "without a response body"
CUT_REQUEST = "with an incomplete request"
CUT_RESPONSE = "with an incomplete response"
GATEWAY = "with a response of a gateway (429, 502, 503, 504)"
TWICE = "that another file has, too"
UNREADABLE = "that cannot be read"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange of a recording."""

    exchange: Exchange
    start: float  # seconds since 1970
    anew: bool = False  # the server had other content from then on
    missing: str = ""  # why its response is not known; then nobody knows what it did, either

    @property
    def answered(self) -> bool:
        """Whether its response is known."""
        return not self.missing

    @property
    def end(self) -> float:
        """When the response was there, in seconds since 1970."""
        return self.start + self.exchange.seconds


@dataclass(frozen=True, slots=True)
class Recording:
    """The traffic of one server, in the order in which requests were made."""

    base_url: str
    exchanges: tuple[Recorded, ...]
    skipped: str  # how many entries are not judged, and why: ``3 of other hosts or paths, 1 …``

    @property
    def began(self) -> str:
        """When the first request was made, as ISO 8601 in UTC."""
        first = datetime.fromtimestamp(self.exchanges[0].start, UTC)
        return first.isoformat(timespec="seconds")

    @property
    def history(self) -> tuple[Exchange, ...]:
        """The exchanges whose responses are known."""
        return tuple(each.exchange for each in self.exchanges if each.answered)


def read_recording(
    paths: Sequence[Path], release: Release, base_url: str | None = None
) -> Recording:
    """Read several HAR files as one recording, in the order of their times.

    Args:
        paths: the files.
        release: the release whose methods concern the API.
        base_url: the base URL of the server; None: any that ends in the API's path.

    Raises:
        RecordingError: a file cannot be read or is no HAR; nothing concerns the API; or there are
            several servers.
    """
    reader = _Reader(release, base_url)
    for path in paths:
        reader.read(path)
    skipped = reader.skipped
    answered = {base: each for base, each in reader.found.items() if any(r.answered for r in each)}
    if len(answered) > 1:
        counts = ", ".join(f"{base} ({len(each)})" for base, each in sorted(answered.items()))
        msg = f"the recording has several servers; choose one with --base-url: {counts}"
        raise RecordingError(msg)
    for base, exchanges in answered.items():
        skipped.update(each.missing for each in exchanges if each.missing)
        return Recording(base, _in_order(exchanges), _text(skipped))
    names = ", ".join(map(str, paths))
    where = f"below {base_url}" if base_url else f"with {API_PATH} in its URL"
    why = f"; skipped: {_text(skipped)}" if skipped else ""
    msg = f"nothing in {names} concerns the API: no response to a request {where}{why}"
    raise RecordingError(msg)


def _text(skipped: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {why}" for why, count in sorted(skipped.items()))


def _in_order(found: Sequence[Recorded]) -> tuple[Recorded, ...]:
    """Return exchanges in the order of their starts, those with a response numbered from 1 on.

    If no request has a token, tokens were removed: a placeholder stands for each.
    """
    hidden = not any(_carries_token(each.exchange.call) for each in found)
    made, number = [], 0
    for each in sorted(found, key=lambda each: each.start):
        number += each.answered
        call = each.exchange.call
        if hidden and call.method in _RECORD_METHODS:
            call = replace(call, headers=(*call.headers, ("Authorization", MASK)))
        one = each.exchange
        exchange = Exchange(
            number if each.answered else 0, call, one.status, one.headers, one.content, one.seconds
        )
        made.append(replace(each, exchange=exchange))
    return tuple(made)


def _carries_token(call: Call) -> bool:
    names = [name.lower() for name, _ in call.headers]
    return "authorization" in names or _names_token(call.query, call.body or b"")


def _names_token(query: str, body: bytes) -> bool:
    return "token=" in query or b'"token"' in body


class _Reader:
    """Reads files, and keeps what concerns the API."""

    def __init__(self, release: Release, base_url: str | None) -> None:
        self._release = release
        self._names = {method.path: name for name, method in methods(release).items()}
        self._base_url = base_url
        self._room = MAX_BYTES
        self._known: set[int] = set()  # what is equal for the same exchange in two files
        self.found: dict[str, list[Recorded]] = {}  # by base URL
        self.skipped: Counter[str] = Counter()

    def read(self, path: Path) -> None:
        """Read a file. Raises RecordingError."""
        log = self._log(path)
        creator, start = str(_object(log, "creator").get("name")).lower(), 0.0
        earlier = frozenset(self._known)
        for entry in log["entries"]:
            start = _moment(entry, start)
            try:
                base, one = self._recorded(entry, start, creator)
                call = one.exchange.call
                sent = (call.verb, call.path, call.query, call.body)
                mark = hash((start, sent, one.exchange.content))
                if mark in earlier:
                    raise _Skip(TWICE)  # noqa: TRY301 - as for every other reason
            except _Skip as why:
                self.skipped[str(why)] += 1
            else:
                self._known.add(mark)
                self.found.setdefault(base, []).append(one)

    def _log(self, path: Path) -> Entry:
        """Return the log of a file, whose entries are a list."""
        try:
            self._room -= path.stat().st_size
            if self._room < 0:
                msg = f"more than {MAX_BYTES // 1024**2} MB; check {path} on its own, or in parts"
                raise RecordingError(msg)
            content = parsed(path.read_bytes())
        except OSError as error:
            msg = f"cannot read {path}: {error.strerror or type(error).__name__}"
            raise RecordingError(msg) from None
        if content is NOT_JSON:
            msg = f"{path} is not valid JSON"
            raise RecordingError(msg)
        log = _object(content, "log")
        if not isinstance(log.get("entries"), list):
            msg = f"{path} is not a HAR file: it has no log.entries"
            raise RecordingError(msg)
        return log

    def _recorded(self, entry: Any, start: float, creator: str) -> tuple[str, Recorded]:
        """Return the base URL and the exchange of an entry. Raises _Skip."""
        request, response = _object(entry, "request"), _object(entry, "response")
        if not isinstance(request.get("url"), str) or not isinstance(request.get("method"), str):
            raise _Skip(UNREADABLE)
        base, path, query = self._place(request)
        verb, name = request["method"].upper(), self._names.get(path.strip("/"))
        if name is None:
            raise _Skip(UNKNOWN_METHOD)
        if verb in ("OPTIONS", "HEAD"):
            raise _Skip(PREFLIGHT)
        call = Call(name, verb, path, query, _sent(request), _headers(request, name, creator))
        call = replace(call, parameters=read(call, self._release).given)
        status, time = response.get("status"), entry.get("time")
        status = status if isinstance(status, int) else 0
        known_time = isinstance(time, int | float) and 0 < time < 86_400_000
        try:
            content, missing = _received(entry, response, status), ""
        except _Skip as why:
            if name not in ("resend", "delete"):
                raise
            content, missing = b"", str(why)
        headers, seconds = tuple(_pairs(response)), time / 1000 if known_time else 0.0
        exchange = Exchange(0, call, status, headers, content, seconds)
        anew = creator == "crmcom-kit" and str(entry.get("comment")).endswith(ANEW)
        return base, Recorded(exchange, start, anew, missing)

    def _place(self, request: Entry) -> tuple[str, str, str]:
        """Return base URL, path below it and query of a request. Raises _Skip."""
        try:
            parts = urlsplit(request["url"])
            origin = _origin(parts)
            before, is_api, _ = parts.path.partition(f"{API_PATH}/")
            prefix = f"{before}{API_PATH}" if is_api else ""
            wanted = origin
            if self._base_url:
                base = urlsplit(self._base_url)
                wanted, prefix = _origin(base), base.path
        except ValueError:
            raise _Skip(ELSEWHERE) from None
        if origin != wanted or not prefix or not parts.path.startswith(f"{prefix}/"):
            raise _Skip(ELSEWHERE)
        pairs = list(_pairs_of(request.get("queryString")))
        query = parts.query or urlencode(pairs, errors="surrogatepass")
        return f"{origin}{prefix}", parts.path[len(prefix) + 1 :], query


def _moment(entry: Any, previous: float) -> float:
    """Return the seconds since 1970 of an entry's date; without one, those of the one before."""
    try:
        moment = datetime.fromisoformat(entry["startedDateTime"])
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).timestamp()  # there is none at the ends of the calendar
    except (TypeError, KeyError, ValueError, OverflowError):
        return previous


def _origin(parts: Any) -> str:
    """Return scheme, host and port of a URL, written in one way."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port not in (None, usual) else ""
    return f"{parts.scheme}://{host}{port}"


def _headers(request: Entry, name: str, creator: str) -> tuple[tuple[str, str], ...]:
    """Return the headers that a request's meaning depends on.

    If an Authorization header cannot be read, or was perhaps removed, a placeholder stands for it.
    """
    pairs = list(_pairs(request))
    names = {key.lower() for key, _ in pairs}
    kept = [(key, value) for key, value in pairs if key.lower() in _KEPT_HEADERS]
    if name == "web_api_key_token":
        plain = [pair for pair in kept if pair[0].lower() != "authorization" or _is_basic(pair[1])]
        if any(key.lower() == "authorization" for key, _ in plain):
            return tuple(kept)
        return (*plain, ("Authorization", HIDDEN_KEY))
    text = str(_object(request, "postData").get("text")).encode("utf-8", "replace")
    hides = creator in _SANITIZING or "cookie" in names
    if hides and "authorization" not in names and not _names_token(request["url"], text):
        kept.append(("Authorization", MASK))
    return tuple(kept)


def _is_basic(value: str) -> bool:
    scheme, _, coded = value.partition(" ")
    try:
        plain = base64.b64decode(coded, validate=True).decode()
    except ValueError:
        return False
    return scheme.lower() == "basic" and bool(plain)


def _sent(request: Entry) -> bytes | None:
    """Return the body of a request, or None. Raises _Skip: it is not recorded."""
    data, size = _object(request, "postData"), request.get("bodySize")
    text = data.get("text")
    if isinstance(text, str) and (text or not data.get("params")):
        return _whole(data, size, CUT_REQUEST) or None
    length = {key.lower(): value for key, value in _pairs(request)}.get("content-length")
    is_empty = size == 0 or length == "0" or request["method"].upper() == "GET"
    if data.get("params") or not is_empty:
        raise _Skip(CUT_REQUEST)
    return None


def _received(entry: Entry, response: Entry, status: int) -> bytes:
    """Return the body of a response. Raises _Skip: it is not recorded, or not the server's."""
    cache = _object(entry, "cache")
    if entry.get("_fromCache") or cache.get("beforeRequest") or cache.get("afterRequest"):
        raise _Skip(CACHED)
    if status < 200:
        raise _Skip(UNANSWERED)
    if 300 <= status < 400:
        raise _Skip(REDIRECTED)
    content = _object(response, "content")
    text, size = content.get("text"), content.get("size")
    if not isinstance(text, str) or (not text and size != 0):
        raise _Skip(NO_BODY)
    body = _whole(content, size, CUT_RESPONSE)
    if status in _GATEWAYS and (status == 429 or _as_exchange(body).code is None):
        raise _Skip(GATEWAY)
    return body


def _whole(message: Entry, size: Any, cut: str) -> bytes:
    """Return the body in a message's ``text``.

    Raises _Skip(cut) if it is only the beginning of one, as far as it tells: JSON without an end.
    """
    text: str = message["text"]
    try:
        is_coded = message.get("encoding") == "base64"
        body = base64.b64decode(text) if is_coded else text.encode("utf-8", "surrogatepass")
    except ValueError:
        raise _Skip(UNREADABLE) from None
    is_short = isinstance(size, int) and size > len(body)
    is_cut = is_short or str(message.get("comment")).startswith(CUT)
    if is_cut and _as_exchange(body).json is NOT_JSON:
        raise _Skip(cut)
    return body


def _as_exchange(body: bytes) -> Exchange:
    return Exchange(0, Call("", "GET", ""), 0, (), body, 0.0)


def _object(value: Any, name: str) -> Entry:
    """Return a member that is an object; an empty one if it is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _pairs(message: Entry) -> Iterator[tuple[str, str]]:
    """Yield the headers of a request or a response; those of HTTP/2 that are none left out."""
    for name, value in _pairs_of(message.get("headers")):
        if not name.startswith(":"):
            yield name, value


def _pairs_of(given: Any) -> Iterator[tuple[str, str]]:
    for each in given if isinstance(given, list) else ():
        if isinstance(each, Mapping) and isinstance(each.get("name"), str):
            value = each.get("value")
            yield each["name"], value if isinstance(value, str) else json.dumps(value)
