"""Compare what responses show of a webhook request with how it was seen before.

Nothing but a served resend or delete changes a webhook request; others may use the server, too.
So a difference is first a *suspicion*. A later sight decides: if it shows the webhook request as
it was before, the odd response in between was wrong. If it shows the new content, the webhook
request has changed, and the requests in between tell who did it. A session asks for that sight
at once; in a recording it comes or not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.checks import blame
from crmcom_kit.contract_tests.checks.knowledge import changed_members, lost_members, value_at
from crmcom_kit.contract_tests.checks.sense import FIELDS, Sense
from crmcom_kit.contract_tests.checks.world import Change, Record, Sight, World, lasting
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation, shortened

READS = ("show", "list")
#: Two requests are adjacent if no more than one other lies between them.
ADJACENT = 2
#: So many unexplained changes right after reading are no chance.
MIN_RIGHT_AFTER = 3
#: So many suspicions wait for a later sight; the oldest go first.
MAX_WAITING = 200
#: What is not compared: a reference may be made anew for each response.
_FLEETING = ("request", "response")


@dataclass(slots=True)
class Suspicion:
    """A violation, if a webhook request is still as it was known."""

    violation: Violation
    record: str  # id of the webhook request
    known: Record  # what is compared
    deciding: str  # show or list: by which method to look at it
    seen: Record | None = None  # the other content; None: it was missing or refused
    member: str = ""  # what was left out, as a dotted name; it must be there again
    tried: bool = False  # a session has asked for the deciding sight
    changes: int = 0  # how many requests might have changed something when it came up


@dataclass(slots=True)
class Coincidence:
    """A webhook request that changed, or went, while a request was made that must not do it."""

    violation: Violation
    record: str
    causes: Mapping[str, Exchange]  # statement -> the request that may have broken it

    @classmethod
    def of_one(cls, violation: Violation, record: str) -> "Coincidence":
        """Return one with a single cause: the violation's first exchange."""
        return cls(violation, record, {violation.statement: violation.exchanges[0]})

    @classmethod
    def of_several(
        cls, violation: Violation, record: str, causes: Mapping[str, Change]
    ) -> "Coincidence":
        """Return one with several possible causes, the likeliest first."""
        found = cls(violation, record, {name: each.exchange for name, each in causes.items()})
        found.violation = found.by(next(iter(causes)))
        return found

    def by(self, statement: str) -> Violation:
        """Return the violation if it is this statement that is broken."""
        seen = (each for each in self.violation.exchanges if each not in self.causes.values())
        violation = self.violation.again()
        violation.statement = statement
        violation.exchanges = (self.causes[statement], *seen)
        return violation


@dataclass(slots=True)
class History:
    """Compares sights; keeps what is not decided yet."""

    world: World
    suspicions: list[Suspicion] = field(default_factory=list)
    unexplained: list[str] = field(
        default_factory=list
    )  # ids that changed or went, nobody knows why
    coincidences: list[Coincidence] = field(default_factory=list)
    #: Unexplained changes that a request showed which came right after one that had shown the same.
    right_after: list[Violation] = field(default_factory=list)

    def start(self) -> None:
        """Forget what is not decided: the server has other content from now on."""
        self.suspicions.clear()
        self.coincidences.clear()
        self.right_after.clear()

    def check(self, exchange: Exchange, sense: Sense) -> Iterator[str | Violation]:
        """Compare each webhook request in a response of show or list with what is known of it."""
        if sense.name not in READS or not exchange.ok:
            return
        group = _listed_group(sense)
        held: set[str] = set()
        whole = is_whole(sense)
        for record in exchange.records:
            if isinstance(record.get("id"), str):
                now = Sight(record, sense.name, exchange, whole)
                self._leaves_out(now, sense)
                for verdict in self._sight(now):
                    if isinstance(verdict, str):
                        held.add(verdict)
                    else:
                        yield verdict
        yield from sorted(held)
        if group is not None and not exchange.is_cut:
            self.world.groups[group] = (len(self.world.changes), len(exchange.records))

    def suspect(self, suspicion: Suspicion) -> None:
        """Keep a suspicion until a later sight decides it; of one kind and record only one."""
        for other in self.suspicions:
            if (other.record, other.violation.statement) == (
                suspicion.record, suspicion.violation.statement,
            ):  # fmt: skip
                return
        suspicion.changes = len(self.world.changes)
        self.suspicions.append(suspicion)
        del self.suspicions[:-MAX_WAITING]

    def drop(self, key: str) -> None:
        """Drop what is suspected of a webhook request that a served request has changed since."""
        self.suspicions = [each for each in self.suspicions if each.record != key]

    def leave_open(self, suspicion: Suspicion) -> None:
        """Drop a suspicion that nothing has decided; what it is about is not known any more."""
        self.suspicions.remove(suspicion)
        if suspicion.seen is not None:
            self.world.lose(suspicion.record)

    # Sights.

    def _sight(self, now: Sight) -> Iterator[str | Violation]:
        world, key = self.world, now.record["id"]
        if key in world.deleted:
            yield self._back(now)
            return
        pending = [each for each in self.suspicions if each.record == key]
        for suspicion in (
            pending if now.whole else ()
        ):  # a part does not tell whether it is as before
            yield from self._decide(suspicion, now)
        if key not in world.records:
            yield from self._new(now)
            world.see(now)
            return
        known = world.settled(key)
        if differing(known, now.record):
            if not any(each.record == key for each in self.suspicions):
                yield from self._differs(now, known)
            return
        yield from self._agrees(now)
        world.see(now)

    def _leaves_out(self, now: Sight, sense: Sense) -> None:
        """Suspect a response that leaves out a member which is known to have a value."""
        key = now.record["id"]
        known = self.world.records.get(key)
        wanted = FIELDS if now.whole else (sense.fields or ())
        if known is None or key in self.world.unsettled:
            return
        for path in lost_members(known, now.record):
            if path.partition(".")[0] not in wanted:
                continue
            statement = blame.of_left_out(path, now.method, by_name=not now.whole)
            violation = _violation(statement, now, known, path)
            violation.seen = f"no {path}"
            other = "list" if now.method == "show" and now.whole else "show"
            self.suspect(Suspicion(violation, key, known, other, member=path))
            return

    def _new(self, now: Sight) -> Iterator[Violation]:
        """A webhook request that was not there when its entity was listed before a resend."""
        world, record = self.world, now.record
        change = world.changes[-1] if world.changes else None
        group = world.groups.get(group_of(record))
        if change is None or group is None or group[0] != len(world.changes) - 1:
            return
        if change.method == "resend" and change.served and now.method == "list":
            violation = Violation(
                "resend.same_record", change.exchange, now.exchange,
                expected="no new webhook request, since resend sends the existing one again",
                seen=f"the new webhook request {record.get('number', record['id'])}",
                record=record["id"],
            )  # fmt: skip
            yield from self.coincides(Coincidence.of_one(violation, record["id"]))

    def _back(self, now: Sight) -> Violation:
        number = self.world.deleted[now.record["id"]].get("number", now.record["id"])
        return Violation(
            "delete.gone", now.exchange, expected=f"no webhook request {number}: it was deleted",
            seen=f"{now.method} returns {number}", record=now.record["id"],
        )  # fmt: skip

    def _decide(self, suspicion: Suspicion, now: Sight) -> Iterator[str | Violation]:
        """Decide a suspicion by a later sight of its webhook request, if this one can."""
        as_known = not differing(suspicion.known, now.record)
        if suspicion.member and value_at(now.record, suspicion.member) is None and as_known:
            if now.method == suspicion.deciding and now.whole:
                self.suspicions.remove(suspicion)
            return
        if suspicion.seen is None:
            self.suspicions.remove(suspicion)
            if as_known:
                yield _with(suspicion.violation, now.exchange)
            return
        as_seen = not differing(suspicion.seen, now.record)
        if as_known and not as_seen:
            self.suspicions.remove(suspicion)
            self.world.unreliable.update(differing(suspicion.known, suspicion.seen))
            yield _with(suspicion.violation, now.exchange)
        elif now.method == suspicion.deciding or not as_seen:
            self.suspicions.remove(suspicion)
            yield from self._changed(suspicion, now)

    def _differs(self, now: Sight, known: Record) -> Iterator[str | Violation]:
        """A webhook request is another than it was known."""
        key = now.record["id"]
        last = self.world.sights.get(key, {})
        before = max(last.values(), key=lambda each: each.exchange.number, default=None)
        path = differing(known, now.record)[0]
        violation = _violation(blame.of_difference(self.world, now, before), now, known, path)
        if before is not None:
            violation.exchanges = (before.exchange, now.exchange)
        if key in self.world.unsettled:
            violation.statement = "resend.identity_kept"
            yield violation
            return
        if before is not None and before.method == "resend":
            yield from self._unlike_resend(now, violation)
            return
        deciding = before.method if before is not None and before.method in READS else "show"
        self.suspect(Suspicion(violation, key, known, deciding, now.record))

    def _unlike_resend(self, now: Sight, violation: Violation) -> Iterator[Violation]:
        """What a resend answered as SUCCESSFUL is shown in another way."""
        if not self.world.trusted(differing(self.world.records[now.record["id"]], now.record)):
            return
        earlier = self.world.before_resend.get(now.record["id"])
        if earlier is not None and not differing(earlier, now.record):
            violation.statement = blame.of_no_effect(self.world, now)
        yield violation
        self.world.see(now)

    def _changed(self, suspicion: Suspicion, now: Sight) -> Iterator[Violation]:
        """A webhook request has really changed since it was known: who did it?"""
        world, key = self.world, suspicion.record
        later = len(world.changes) - suspicion.changes  # those did not do it
        since = world.since_seen(key)
        changes = since[: max(0, len(since) - later)]
        fell_back = _fell_back(suspicion.known, now.record)
        world.see(now)
        violation = suspicion.violation
        if fell_back:  # nothing turns a success into a failure, whoever else is at work
            resent = key in world.before_resend
            violation.statement = (
                "resend.sends_again" if resent else f"{now.method}.changes_nothing"
            )
            yield _with(violation, now.exchange)
        elif changes:
            causes = blame.of_change(key, changes)
            yield from self.coincides(Coincidence.of_several(violation, key, causes))
        elif world.exclusive:
            violation.statement = f"{now.method}.changes_nothing"
            yield violation
        else:
            self._note_right_after(violation)
            number = now.record.get("number", key)
            world.others[key] = f"number {number} was changed by somebody else during the run"
            self.unexplained.append(key)

    def coincides(self, coincidence: Coincidence) -> Iterator[Violation]:
        """Keep what may be somebody else's doing; yield it if nobody else uses the server."""
        if self.world.exclusive:
            yield coincidence.violation
        else:
            self.coincidences.append(coincidence)

    def gone(self, key: str, exchange: Exchange) -> Iterator[Violation]:
        """Note that a webhook request that was not deleted is neither shown nor listed any more."""
        world = self.world
        self.drop(key)
        record = world.records.get(key)
        if record is None:
            return
        number = record.get("number", key)
        changes = world.since_seen(key)
        last = max(
            (each for each in world.sights.get(key, {}).values() if each.method in READS),
            key=lambda each: each.exchange.number,
            default=None,
        )
        violation = Violation(
            f"{last.method if last is not None else 'list'}.changes_nothing", exchange,
            expected=f"the webhook request {number} still exists",
            seen="it is no longer shown or listed", record=key,
        )  # fmt: skip
        world.lose(key)
        if changes:
            causes = blame.of_loss(key, changes)
            yield from self.coincides(Coincidence.of_several(violation, key, causes))
        elif world.exclusive:
            yield violation
        else:
            world.others[key] = f"number {number} was deleted by somebody else during the run"
            self.unexplained.append(key)

    def conclude(self) -> Iterator[Violation]:
        """Judge at the end what happened to webhook requests while they had to stay as they were.

        Once may be somebody else's doing. Twice after requests of one kind is the server's, if
        nothing else in the run shows that anybody else was at work. So are many webhook requests
        after one, but not if others have changed while every request was refused.
        """
        if self.world.others:
            yield from self._changed_by_reading()
            return
        served = Counter(change.method for change in self.world.changes if change.served)
        left = list(self.coincidences)
        while_refused = any("errors.change_nothing" in each.causes for each in left)
        while left:  # the statement that explains most of them, then what explains the rest
            counts = Counter(statement for each in left for statement in each.causes)
            statement = max(
                counts, key=lambda each: (counts[each], each != "errors.change_nothing")
            )
            found = [each for each in left if statement in each.causes]
            left = [each for each in left if statement not in each.causes]
            records = {each.record for each in found}
            requests = {each.causes[statement].number for each in found}
            often = max(3, served[statement.partition(".")[0]] // 2)
            are_many = len(records) >= often and (
                statement == "errors.change_nothing" or not while_refused
            )
            if len(requests) > 1 or are_many:
                yield found[0].by(statement)

    def _note_right_after(self, violation: Violation) -> None:
        first, *later = violation.exchanges
        if later and first.call.method in READS and later[0].number - first.number <= ADJACENT:
            self.right_after.append(violation)

    def _changed_by_reading(self) -> Iterator[Violation]:
        """Judge unexplained changes of which most came right after the same was read.

        Somebody else changes webhook requests at any time, and hardly ever just then.
        """
        if len(self.right_after) >= MIN_RIGHT_AFTER and (
            len(self.right_after) * 2 >= len(self.world.others)
        ):
            violation = self.right_after[0]
            violation.statement = f"{violation.exchanges[0].call.method}.changes_nothing"
            yield violation

    # What equal sights tell of.

    def _agrees(self, now: Sight) -> Iterator[str]:
        key, world = now.record["id"], self.world
        last = world.sights.get(key, {})
        if now.method in last:
            yield f"{now.method}.changes_nothing"
        if any(method != now.method and method in READS for method in last):
            yield "list.agrees_with_show"
        if "resend" in last:
            yield "resend.returns_record"
        for change in world.since_seen(key)[-50:]:
            if not change.served:
                yield "errors.change_nothing"
            elif key not in change.named:
                yield f"{change.method}.single_result"


def _fell_back(known: Record, now: Record) -> bool:
    states = known.get("life_cycle_state"), now.get("life_cycle_state")
    return states == ("SUCCESSFUL", "REJECTED")


def differing(known: Record, seen: Record) -> list[str]:
    """Return the members in which two sights of one webhook request differ, as dotted names.

    Members that only one of them has do not count: there are short and long forms.
    """
    if known == seen or seen.items() <= known.items():
        return []
    return [
        path for path in changed_members(known, seen) if path.partition(".")[0] not in _FLEETING
    ]


def group_of(record: Record) -> tuple[str, str]:
    """Return by what a webhook request is listed with all others of the same entity."""
    return str(record.get("entity")), str(record.get("entity_id"))


def _listed_group(sense: Sense) -> tuple[str, str] | None:
    """Return of which entity a request lists all webhook requests, or None."""
    plain = sense.name == "list" and sense.is_clear and not sense.is_paged
    if not plain or sense.filters.keys() != {"entity", "entity_id"}:
        return None
    return sense.filters["entity"], sense.filters["entity_id"]


def is_whole(sense: Sense) -> bool:
    """Whether a request asks for every field of its webhook requests."""
    return "fields_set" not in sense.given and sense.unclear.isdisjoint(("", "fields_set"))


def after_change(change: Change, sense: Sense, world: World) -> Iterator[str | Violation]:
    """Bring ``world`` in step with a request of resend or delete; check what it answered."""
    exchange, key = change.exchange, change.record
    world.change(change)
    answered = exchange.data if exchange.ok and isinstance(exchange.data, dict) else {}
    known = world.records.get(key) if key is not None else None
    if key is None or known is None:
        return
    if change.method == "delete":
        if exchange.ok:
            yield from _deleted_as_known(exchange, world.settled(key), answered, world)
            world.forget(key)
        return
    if not exchange.ok:
        if known.get("life_cycle_state") == "REJECTED" and sense.is_clear:
            world.unsettle(key)  # the error may be about the delivery, which was tried
        return
    yield from _kept(exchange, known, answered, world)
    world.before_resend[key] = known
    done = answered.get("life_cycle_state") == "SUCCESSFUL" and answered.get("id") == key
    if done and is_whole(sense):
        world.see(Sight(answered, "resend", exchange, whole=True))
    else:
        world.unsettle(key)  # it is queued, or failed again: open until a response shows it


def _kept(
    exchange: Exchange, known: Record, answered: Record, world: World
) -> Iterator[str | Violation]:
    """Check what sending again must keep."""
    paths = world.trusted(differing(lasting(known), lasting(answered)))
    if not paths:
        yield "resend.identity_kept"
        return
    now = Sight(answered, "resend", exchange, whole=False)
    yield _violation("resend.identity_kept", now, known, paths[0])


def _deleted_as_known(
    exchange: Exchange, known: Record, answered: Record, world: World
) -> Iterator[str | Violation]:
    """Check that delete returns the webhook request that was there; who updated it is open."""
    paths = [
        path
        for path in world.trusted(differing(known, answered))
        if not path.startswith("log_information.updated_")
    ]
    if not paths:
        yield "delete.returns_record"
        return
    now = Sight(answered, "delete", exchange, whole=False)
    yield _violation("delete.returns_record", now, known, paths[0])


def _violation(statement: str, now: Sight, known: Record, path: str) -> Violation:
    number = now.record.get("number", now.record.get("id"))
    was, is_now = value_at(known, path), value_at(now.record, path)
    return Violation(
        statement, now.exchange,
        expected=f"{path} of {number} unchanged: {shortened(repr(was), 80)}",
        seen=shortened(repr(is_now), 120), record=_text(known.get("id")),
    )  # fmt: skip


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _with(violation: Violation, exchange: Exchange) -> Violation:
    """Return a violation with the exchange that confirms it."""
    if exchange not in violation.exchanges:
        violation.exchanges = (*violation.exchanges, exchange)
    return violation
