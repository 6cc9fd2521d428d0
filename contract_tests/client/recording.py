"""Read recorded traffic: HAR files of browsers, of proxies, or of the kit itself.

Only entries that show a request of the API and its whole response become exchanges; the others
are counted, by the reason. Nothing is sent. Files are read entry by entry, and bodies wait in a
temporary file, so that the size of a file does not matter.
"""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

from crmcom_kit.contract_tests.client.bodies import Bodies
from crmcom_kit.contract_tests.client.exchanges import NOT_JSON, Call, Exchange
from crmcom_kit.contract_tests.options import OptionsError
from crmcom_kit.har import CUT
from crmcom_kit.redaction import MASK
from crmcom_kit.schemas.methods import API_PATH, methods
from crmcom_kit.schemas.releases import Release

#: So many exchanges one recording may have.
MAX_EXCHANGES = 200_000
#: The comment of an entry that the kit wrote ends so, if the server had other content from then on.
ANEW = ", of a server with new content"
#: The Authorization header of a request from whose record it was, or may have been, removed.
HIDDEN_KEY = f"Basic {base64.b64encode(f'{MASK}:'.encode()).decode()}"

_BODIES_IN_MEMORY = 16 * 1024 * 1024  # bytes
_OUTAGES = (502, 503, 504)
_TOO_MANY = 429
#: The methods that take a token.
RECORD_METHODS = ("show", "list", "resend", "delete", "token_release")
_KEPT_HEADERS = ("authorization", "content-type")
#: Browsers that export no Authorization and no Cookie header unless told to.
_SANITIZING = ("webinspector", "webkit web inspector")

Entry = Mapping[str, Any]


class RecordingError(OptionsError):
    """A recording that cannot be read, or that has nothing to judge; one line."""


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
CUT_REQUEST = "whose request is not whole"
CUT_RESPONSE = "whose response is not whole"
GATEWAY = "in which a gateway answers (429, 502, 503, 504)"
TWICE = "that another file has as well"
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
    skipped: Mapping[str, int]  # how many entries are not judged, by what they are
    began: str  # ISO 8601, UTC

    @property
    def history(self) -> tuple[Exchange, ...]:
        """The exchanges whose responses are known."""
        return tuple(each.exchange for each in self.exchanges if each.answered)


@dataclass(frozen=True, slots=True)
class _Context:
    """What the reader of an entry has to know."""

    names: Mapping[str, str]  # of the release's methods, by path
    parameters_of: Callable[[Call], Mapping[str, Any]]
    base_url: str | None  # only what is below it concerns the API; None: what has the API's path
    creator: str = ""  # the name of the program that wrote the file, in small letters


def read_recording(
    paths: Sequence[Path],
    release: Release,
    parameters_of: Callable[[Call], Mapping[str, Any]],
    base_url: str | None = None,
) -> Recording:
    """Read several HAR files as one recording, in the order of their times.

    Args:
        paths: the files.
        release: the release whose methods concern the API.
        parameters_of: reads the parameters of a call.
        base_url: the base URL of the server; None: any that ends in the API's path.

    Raises:
        RecordingError: a file cannot be read or is no HAR; nothing concerns the API; or there are
            several servers.
    """
    names = {method.path: name for name, method in methods(release).items()}
    context = _Context(names, parameters_of, base_url)
    skipped: Counter[str] = Counter()
    found: dict[str, list[Recorded]] = {}  # by base URL
    bodies = Bodies(_BODIES_IN_MEMORY, least=0)
    earlier: set[int] = set()
    for path in paths:
        seen: set[int] = set()
        for entry, start, creator in _entries(path):
            try:
                base, recorded = _recorded(entry, start, replace(context, creator=creator))
            except _Skip as why:
                skipped[str(why)] += 1
                continue
            seen.add(_fingerprint(recorded))
            if _fingerprint(recorded) in earlier:
                skipped[TWICE] += 1
                continue
            count = sum(map(len, found.values())) + 1
            recorded = _numbered(recorded, count)
            found.setdefault(base, []).append(recorded)
            if recorded.answered:
                bodies.keep(recorded.exchange)
            if count > MAX_EXCHANGES:
                msg = f"--from-har: more than {MAX_EXCHANGES} exchanges; check it in parts"
                raise RecordingError(msg)
        earlier |= seen
    base, exchanges = _the_server(found, paths, skipped, base_url)
    skipped.update(each.missing for each in exchanges if each.missing)
    return Recording(base, _in_order(exchanges), skipped, _iso(exchanges))


def _the_server(
    found: Mapping[str, list[Recorded]],
    paths: Sequence[Path],
    skipped: Mapping[str, int],
    base_url: str | None,
) -> tuple[str, list[Recorded]]:
    """Return the one server of a recording. Raises RecordingError."""
    answered = {base: each for base, each in found.items() if any(r.answered for r in each)}
    if len(answered) > 1:
        counts = ", ".join(f"{base} ({len(each)})" for base, each in sorted(answered.items()))
        msg = f"--from-har: several servers are recorded, choose one with --base-url: {counts}"
        raise RecordingError(msg)
    if answered:
        return next(iter(answered.items()))
    names = ", ".join(map(str, paths))
    where = f"below {base_url}" if base_url else f"with {API_PATH} in its URL"
    why = f"; skipped: {skipped_text(skipped)}" if skipped else ""
    msg = f"--from-har: nothing in {names} concerns the API: no response to a request {where}{why}"
    raise RecordingError(msg)


def skipped_text(skipped: Mapping[str, int]) -> str:
    """Say how many entries are not judged, and why: ``3 of other hosts or paths, 1 …``."""
    return ", ".join(f"{count} {why}" for why, count in sorted(skipped.items()))


def _iso(exchanges: Iterable[Recorded]) -> str:
    first = min(each.start for each in exchanges)
    return datetime.fromtimestamp(first, UTC).isoformat(timespec="seconds")


def _carries_token(call: Call) -> bool:
    names = [name.lower() for name, _ in call.headers]
    return "authorization" in names or _names_token(call.query, call.body)


def _names_token(query: str, body: bytes | None) -> bool:
    return "token=" in query or b'"token"' in (body or b"")


def _in_order(exchanges: list[Recorded]) -> tuple[Recorded, ...]:
    """Return exchanges in the order of their starts, numbered from 1 on.

    If no request has a token, tokens were removed: a placeholder stands for each.
    """
    if any(one.start > other.start for one, other in pairwise(exchanges)):
        exchanges = sorted(exchanges, key=lambda each: each.start)
    hidden = not any(_carries_token(each.exchange.call) for each in exchanges)
    bodies = Bodies(_BODIES_IN_MEMORY, least=0)  # which knows bodies by their numbers
    made, number = [], 0
    for each in exchanges:
        number += each.answered
        one = _numbered(each, number) if each.answered else each
        if hidden and one.exchange.call.method in RECORD_METHODS:
            call = one.exchange.call
            call = replace(call, headers=(*call.headers, ("Authorization", MASK)))
            one = replace(one, exchange=replace(one.exchange, call=call))
        if one is not each and one.answered:
            bodies.keep(one.exchange)
        made.append(one)
    return tuple(made)


def _numbered(recorded: Recorded, number: int) -> Recorded:
    if recorded.exchange.number == number:
        return recorded
    return replace(recorded, exchange=replace(recorded.exchange, number=number))


def _fingerprint(recorded: Recorded) -> int:
    """Return what is equal for the same exchange in two files."""
    call, exchange = recorded.exchange.call, recorded.exchange
    sent = (call.verb, call.path, call.query, call.body)
    return hash((recorded.start, exchange.seconds, sent, exchange.status, exchange.content))


# Files.


def _entries(path: Path) -> Iterator[tuple[Any, float, str]]:
    """Yield the entries of a file, each with its start and the file's creator.

    Raises RecordingError.
    """
    import ijson  # type: ignore[import-untyped]  # here, since most runs read no recording

    try:
        with path.open("rb") as file:
            creator = str(_first(_items(file, "log.creator.name"))).lower()
            start, empty = 0.0, True
            for entry in _items(file, "log.entries.item"):
                empty = False
                if isinstance(entry, Mapping):
                    start = _moment(entry.get("startedDateTime"), start)
                yield entry, start, creator
            if empty and _first(_items(file, "log.entries")) != []:
                msg = f"--from-har: {path} is no HAR file: it has no log with entries"
                raise RecordingError(msg)
    except OSError as error:
        msg = f"--from-har: cannot read {path}: {error.strerror or type(error).__name__}"
        raise RecordingError(msg) from None
    except (ijson.JSONError, ValueError, RecursionError) as error:
        if isinstance(error, RecordingError):
            raise
        reason = " ".join(str(error).split())[:120]
        msg = f"--from-har: {path} is no JSON that can be read: {reason}"
        raise RecordingError(msg) from None


def _items(file: IO[bytes], prefix: str) -> Iterator[Any]:
    import ijson

    file.seek(0)
    if file.read(3) != b"\xef\xbb\xbf":  # a byte order mark, which some programs write
        file.seek(0)
    yield from ijson.items(file, prefix, use_float=True)


def _first(items: Iterator[Any]) -> Any:
    return next(items, None)


def _moment(text: Any, previous: float) -> float:
    """Return the seconds since 1970 of a date; without one, those of the entry before."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return previous


# Entries.


def _recorded(entry: Any, start: float, context: _Context) -> tuple[str, Recorded]:
    """Return the base URL and the exchange of an entry. Raises _Skip."""
    request, response = _object(entry, "request"), _object(entry, "response")
    if not isinstance(request.get("url"), str) or not isinstance(request.get("method"), str):
        raise _Skip(UNREADABLE)
    base, path, query = _place(request, context.base_url)
    verb = request["method"].upper()
    name = context.names.get(path.strip("/"))
    if name is None:
        raise _Skip(UNKNOWN_METHOD)
    if verb in ("OPTIONS", "HEAD"):
        raise _Skip(PREFLIGHT)
    call = Call(name, verb, path, query, _sent(request), _headers(request, name, context))
    call = replace(call, parameters=context.parameters_of(call))
    status, seconds = _whole(response.get("status")), _seconds(entry.get("time"))
    headers = tuple(_pairs(response))
    try:
        content = _received(entry, response, status)
    except _Skip as why:
        if name not in ("resend", "delete"):
            raise
        unknown = Exchange(0, call, 0, headers, b"", seconds)
        return base, Recorded(unknown, start, missing=str(why))
    exchange = Exchange(0, call, status, headers, content, seconds)
    return base, Recorded(exchange, start, anew=_is_anew(entry, context))


def _is_anew(entry: Entry, context: _Context) -> bool:
    return context.creator == "crmcom-kit" and str(entry.get("comment")).endswith(ANEW)


def _place(request: Entry, base_url: str | None) -> tuple[str, str, str]:
    """Return base URL, path below it and query of a request. Raises _Skip."""
    try:
        parts = urlsplit(request["url"])
        origin = _origin(parts)
        prefix = urlsplit(base_url).path if base_url else _prefix(parts.path)
        wanted = _origin(urlsplit(base_url)) if base_url else origin
    except ValueError:
        raise _Skip(ELSEWHERE) from None
    if origin != wanted or not prefix or not parts.path.startswith(f"{prefix}/"):
        raise _Skip(ELSEWHERE)
    query = parts.query
    if not query and isinstance(request.get("queryString"), list):
        query = urlencode(list(_pairs_of(request["queryString"])))
    return f"{origin}{prefix}", parts.path[len(prefix) + 1 :], query


def _prefix(path: str) -> str:
    at = path.find(f"{API_PATH}/")
    return path[: at + len(API_PATH)] if at >= 0 else ""


def _origin(parts: Any) -> str:
    """Return scheme, host and port of a URL, written in one way."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port not in (None, usual) else ""
    return f"{parts.scheme}://{host}{port}"


def _headers(request: Entry, name: str, context: _Context) -> tuple[tuple[str, str], ...]:
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
    hides = context.creator in _SANITIZING or "cookie" in names
    if hides and "authorization" not in names and not _has_token(request):
        kept.append(("Authorization", MASK))
    return tuple(kept)


def _is_basic(value: str) -> bool:
    scheme, _, coded = value.partition(" ")
    try:
        plain = base64.b64decode(coded, validate=True).decode()
    except ValueError:
        return False
    return scheme.lower() == "basic" and bool(plain)


def _has_token(request: Entry) -> bool:
    text = str(_object(request, "postData").get("text"))
    return _names_token(request["url"], text.encode("utf-8", "replace"))


def _sent(request: Entry) -> bytes | None:
    """Return the body of a request, or None. Raises _Skip: it is not recorded."""
    data, size = _object(request, "postData"), request.get("bodySize")
    text = data.get("text")
    if isinstance(text, str) and (text or not data.get("params")):
        body = _decoded(text, data.get("encoding"))
        if _is_cut(body, data.get("comment"), size):
            raise _Skip(CUT_REQUEST)
        return body or None
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
    body = _decoded(text, content.get("encoding"))
    if _is_cut(body, content.get("comment"), size):
        raise _Skip(CUT_RESPONSE)
    if status == _TOO_MANY or (status in _OUTAGES and not _is_envelope(body)):
        raise _Skip(GATEWAY)
    return body


def _is_envelope(body: bytes) -> bool:
    found = Exchange(0, Call("", "GET", ""), 0, (), body, 0.0)
    return found.code is not None


def _is_cut(body: bytes, comment: Any, size: Any) -> bool:
    """Whether a body is only the beginning of one, as far as it tells: JSON without an end."""
    cut = isinstance(comment, str) and comment.startswith(CUT)
    if not cut and not (isinstance(size, int) and size > len(body)):
        return False
    return Exchange(0, Call("", "GET", ""), 0, (), body, 0.0).json is NOT_JSON


def _decoded(text: str, encoding: Any) -> bytes:
    if encoding != "base64":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text)
    except ValueError:
        raise _Skip(UNREADABLE) from None


def _object(value: Any, name: str) -> Mapping[str, Any]:
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


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _seconds(milliseconds: Any) -> float:
    number = isinstance(milliseconds, int | float) and 0 < milliseconds < 86_400_000
    return milliseconds / 1000 if number else 0.0
