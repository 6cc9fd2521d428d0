"""Legal servers, by the first author: what responses look like, and how requests fail."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sound_server import reading
from sound_server.reading import Call, Refusal, Request
from sound_server.server import Reply, SoundServer
from sound_server.tokens import HOUR, Tokens, encoded
from sound_server.world import Record

STATUSES = {
    "missing_token": 401,
    "invalid_token": 401,
    "expired_token": 401,
    "released_token": 401,
    "wrong_credentials": 401,
    "bad_json": 400,
}
PROBLEM = "application/problem+json; charset=utf-8"


class StatusesForSomeErrors(SoundServer):
    """401 for logins and tokens, 400 for broken JSON, 200 else; every error code is NOT OK."""

    FACTS = "8.1 to 8.3, and section 3 (an OK answer may carry a message)"

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        """Give some kinds of error a status and a content type of their own."""
        reply = super().refusal(request, refusal)
        status = STATUSES.get(refusal.kind)
        return replace(reply, status=status, content_type=PROBLEM) if status else reply

    def reply(self, http: int, envelope: Any) -> Reply:
        """Put unusual texts into the status of the envelope."""
        status = dict(envelope["status"])
        if status["code"] == "OK":
            status["message"] = "0 errors, 0 exceptions: nothing was REJECTED"
        else:
            status["code"] = "NOT OK"
            status["description"] = "OK:\n\tΕπικοινωνήστε με τον διαχειριστή \U0001f6d1"
        return super().reply(http, {**envelope, "status": status})

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Say with a 401 how to come in."""

        def start(status: str, head: list[tuple[str, str]], *more: Any) -> Any:
            asks = [("WWW-Authenticate", 'Basic realm="CRM.COM", charset="UTF-8"')]
            return start_response(status, head + (asks if status[:3] == "401" else []), *more)

        return super().__call__(environ, start)


DAY = timedelta(days=1)
PINS = (datetime(2016, 11, 6, 5, 20, 15), datetime(2016, 11, 6, 6, 10, 40))  # noqa: DTZ001


class NewYorkOffsetsThatChange(SoundServer):
    """Dates with New York's offset, which changes among the records; created_date is a UTC day."""

    FACTS = "8.5 (time zone), and section 6 (no zone is only [E])"

    def set_up(self) -> None:
        """Move all records to the days before the clock is set back."""
        super().set_up()
        records = list(self.records.values())
        for pin, part in zip(PINS, (records[:58], records[58:]), strict=True):
            shift = pin - (part[-1] if pin is PINS[0] else part[0]).created
            for record in part:
                record.created += shift
                record.updated = record.updated and record.updated + shift

    def date(self, moment: datetime, record: Record) -> str:
        """Show a moment with its offset."""
        hours = offset(moment)
        return f"{super().date(moment + timedelta(hours=hours), record)}-{-hours:02}:00"


def first_sunday(year: int, month: int, day: int, hour: int) -> datetime:
    """Return the first Sunday from a day on."""
    start = datetime(year, month, day, hour)  # noqa: DTZ001
    return start + (6 - start.weekday()) % 7 * DAY


def offset(moment: datetime) -> int:
    """Return the hours that the wall clock is ahead of UTC, which are negative."""
    year = moment.year
    return -4 if first_sunday(year, 3, 8, 7) <= moment < first_sunday(year, 11, 1, 6) else -5


HALF = timedelta(seconds=30)


class CreatedDateRoundedToMinutes(SoundServer):
    """created_date with a time selects the same minute, both rounded half up; a date, a day."""

    FACTS = "8.5 (exact instant, same day)"

    def read_arguments(self, call: Call) -> None:
        """Read a created_date with a time as a minute."""
        super().read_arguments(call)
        text = call.parameters.get("created_date", "")
        if "created_date" in call.filters and "T" in text:
            moment = reading.read_date(self.choices, text)
            try:
                rounded = (moment + HALF).replace(second=0)
                call.filters["created_date"] = (rounded - HALF, rounded + HALF)
            except OverflowError:  # at the ends of the calendar, where no record is
                call.filters["created_date"] = (moment, moment)


SECONDS = 2


class CacheOfTwoSeconds(SoundServer):
    """Others' work is seen up to two seconds late: show and list are cached until one writes."""

    FACTS = "section 6 (caching: not visible) and 8.21"
    CHOICES: ClassVar = {"others_every": 5}

    def set_up(self) -> None:
        """Start with an empty cache."""
        super().set_up()
        self.cache_data: dict[str, tuple[float, Any]] = {}

    def cached(self, call: Call, work: Callable[[Call], Any]) -> Any:
        """Return the data of a call, made at most two seconds ago."""
        given = {name: value for name, value in call.parameters.items() if name != "token"}
        key = json.dumps([call.method, given], sort_keys=True)
        made, data = self.cache_data.get(key, (0.0, None))
        if data is None or self.now - made > SECONDS:
            data = work(call)
            self.cache_data[key] = (self.now, data)
        return data

    def do_show(self, call: Call) -> Any:
        """Return one record."""
        return self.cached(call, super().do_show)

    def do_list(self, call: Call) -> Any:
        """Return what filters select."""
        return self.cached(call, super().do_list)

    def do_resend(self, call: Call) -> Any:
        """Send a record again, and forget what was kept."""
        self.cache_data.clear()
        return super().do_resend(call)

    def do_delete(self, call: Call) -> Any:
        """Delete a record, and forget what was kept."""
        self.cache_data.clear()
        return super().do_delete(call)


class FractionTokens(Tokens):
    """Makes tokens with more in them."""

    def jwt(self, now: float, user: str, organisation: str, unit: dict[str, Any]) -> str:
        """Return a token with more claims and exact times."""
        claims = self.claims(super().jwt(now, user, organisation, unit))
        claims |= {"iat": now, "nbf": now, "exp": now + 2 * HOUR, "iss": "CRM.COM"}
        claims |= {"aud": ["v2", "ü"], "roles": {}, "sub": None, "ver": 12.0}
        head = {"alg": "HS256", "kid": "2016-11", "typ": "JWT"}
        content = ".".join(encoded(json.dumps(part, indent=1)) for part in (head, claims))
        made = hmac.new(b"another key", content.encode(), hashlib.sha256).digest()
        return f"{content}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


class ClaimsWithFractions(SoundServer):
    """A JWT has times with fractions and more claims; a login tells more; release has null data."""

    FACTS = "section 4 (tokens are opaque; release: data is not applicable, {} only [E])"

    def set_up(self) -> None:
        """Make tokens in the other way."""
        super().set_up()
        self.tokens = FractionTokens(self.choices, self.key, self.tokens.random)

    def do_login(self, call: Call) -> Any:
        """Return a token, and when it ends."""
        return {"token_type": "JWT", "expires_in": 7200.5, **super().do_login(call)}

    def do_release_token(self, call: Call) -> Any:
        """End a token, and have nothing to tell."""
        super().do_release_token(call)
        return None


CODE = "COM.CRM.EXCEPTION.WEBHOOKS.NOWEBHOOKREQUESTSFOUNDEXCEPTION"


class EmptyListIsAnError(SoundServer):
    """A list that selects nothing answers an error with a code of its own."""

    FACTS = "8.9"  # arguable: for an empty list it names [], null and no data, not an error

    def do_list(self, call: Call) -> Any:
        """Refuse an empty list."""
        rows = super().do_list(call)
        if not rows:
            raise Refusal("no_results", "No webhook requests were found.")
        return rows

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        """Answer an empty list."""
        if refusal.kind != "no_results":
            return super().refusal(request, refusal)
        status = {"message": refusal.text, "description": "", "code": CODE}
        return self.reply(200, {"status": status})


BUCKET, PER_SECOND = 10.0, 3.75


class TooManyRequests(SoundServer):
    """A bucket of ten requests, filled with 3.75 a second; a request that finds none gets 429."""

    FACTS = "section 6 (rate limits: none mentioned) and 8.1"

    def set_up(self) -> None:
        """Start with a full bucket."""
        super().set_up()
        self.rate_level = BUCKET
        self.rate_since = self.now

    def behind_gateway(self, request: Request) -> Reply:
        """Answer a request if there is something in the bucket."""
        filled = max(0.0, self.now - self.rate_since) * PER_SECOND
        self.rate_level = min(BUCKET, self.rate_level + filled)
        self.rate_since = self.now
        if self.rate_level < 1:
            text = "Too many requests"
            return self.reply(429, {"status": {"message": text, "description": "", "code": "429"}})
        self.rate_level -= 1
        return super().behind_gateway(request)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Say with a 429 when to come again."""

        def start(status: str, head: list[tuple[str, str]], *more: Any) -> Any:
            later = [("Retry-After", "1")] if status[:3] == "429" else []
            return start_response(status, head + later, *more)

        return super().__call__(environ, start)


SECONDS_OF_DAY, REQUESTS = 86_400, 3
RESTART = 9 * 3600 + 30  # 02:00:30 in Denver is 09:00:30 UTC in winter


class NightlyRestartInDenver(SoundServer):
    """Each night at 02:00:30 in Denver the server restarts: 503 three times, and no token left."""

    FACTS = "8.26; arguable: section 4 has two hours fixed from R12 on, and no word of restarts"

    def set_up(self) -> None:
        """Note which nights are over."""
        super().set_up()
        self.nightly_last = self.night()
        self.nightly_left = 0

    def night(self) -> int:
        """Return the number of the last restart until now."""
        return int((self.now - RESTART) // SECONDS_OF_DAY)

    def behind_gateway(self, request: Request) -> Reply:
        """Restart if it is time, and answer nothing while that lasts."""
        if self.night() != self.nightly_last:
            self.nightly_last = self.night()
            self.nightly_left = REQUESTS
            self.tokens.known.clear()
        if not self.nightly_left:
            return super().behind_gateway(request)
        self.nightly_left -= 1
        status = {"message": "Starting", "description": None, "code": "STARTING"}
        return self.reply(503, {"status": status})


NUMBERS = {
    "@huge@": b"1E+400",
    "@long@": b"-123456789012345678901234567890123456789",
    "@small@": b"4.9E-324",
    "@zero@": b"-0.0",
    "@exact@": b"12345678.90123456789012345",
}


class MembersWithSimilarNames(SoundServer):
    """More members with names like documented ones, and numbers that no common type holds."""

    FACTS = "1.4 and 2.1 to 2.3 (no page says that there are no more members)"

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        """Show more of a record."""
        view = super().view(record, call)
        for name in ("webhook_definition", "workflow_rule"):
            if isinstance(view.get(name), dict):
                more = {"alternative_name": None, "number": "7", "status": "OK", "entity": "ALL"}
                view[name] = {**view[name], **more}
        if isinstance(view.get("log_information"), dict):
            more = {"deleted_date": None, "creation_date": "1970-01-01T00:00:00"}
            view["log_information"] = {**view["log_information"], **more}
        return {
            **view,
            "ID": "7",
            "Number": "@long@",
            "error_date": None,
            "error_count": "@zero@",
            "created_date": "2038-01-19T03:14:07",
            "life_cycle_state_reason": "REJECTED",
            "entity_name": "NONE",
            "urls": [],
            "requests": ["@huge@", "@small@"],
            "response_time": "@exact@",
            "data": {},
        }

    def reply(self, http: int, envelope: Any) -> Reply:
        """Write the numbers."""
        reply = super().reply(http, envelope)
        body = reply.body
        for name, number in NUMBERS.items():
            body = body.replace(b'"%s"' % name.encode(), number)
        return replace(reply, body=body)


class UuidsInAnyCase(SoundServer):
    """Ids are UUIDs with dashes in lower case, and a record is found by its id in any case."""

    FACTS = "2.7 (never validate the id pattern)"

    def set_up(self) -> None:
        """Change the form of all ids, and of those to come."""
        super().set_up()
        world, plain = self.world, self.world.record_id
        world.record_id = lambda position: uuid(plain(position))  # type: ignore[method-assign]
        world.entity_ids = [uuid(entity_id) for entity_id in world.entity_ids]
        for thing in [*world.definitions, *world.rules]:
            thing.id = uuid(thing.id)
        records = list(self.records.values())
        self.records.clear()
        for record in records:
            record.id, record.entity_id = uuid(record.id), uuid(record.entity_id)
            self.records[record.id] = record

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        """Compare ids as the database does."""
        value = value.lower() if name == "id" else value
        return super().names(record, name, value, call)


def uuid(text: str) -> str:
    """Return an id of 32 digits as a UUID, and any other as it is."""
    try:
        return str(UUID(text))
    except ValueError:
        return text.lower()
