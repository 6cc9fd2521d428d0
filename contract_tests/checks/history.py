"""Compare each webhook request with the way it was last seen.

Nothing but a served resend or delete changes a webhook request. So whatever differs between two
looks was done by a call in between that must leave it unchanged; which statement that call
breaks is decided by what it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from crmcom_kit.contract_tests.checks.knowledge import changed_members, value_at
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.login import token_of
from crmcom_kit.contract_tests.safety.pool import Record
from crmcom_kit.contract_tests.session import Session, changing_method, shortened
from crmcom_kit.schemas.loader import validator

IDENTIFIER = "webhook_request_identifier"
_READS = ("show", "list")


@dataclass(frozen=True, slots=True)
class Sight:
    """One webhook request in one answer."""

    record: Record
    exchange: Exchange


def identifier_of(exchange: Exchange) -> tuple[str, str] | None:
    """Return field and value of a well-formed webhook_request_identifier of a call."""
    identifier = exchange.call.parameters.get(IDENTIFIER)
    if not isinstance(identifier, Mapping) or len(identifier) != 1:
        return None
    ((field, value),) = identifier.items()
    return (field, value) if field in ("id", "number") and isinstance(value, str) else None


def names(exchange: Exchange, record: Record) -> bool:
    """Whether a call names ``record``, in whatever way, or its answer shows it."""
    identifier = exchange.call.parameters.get(IDENTIFIER)
    given = identifier.values() if isinstance(identifier, Mapping) else [identifier]
    own = (record["id"], record.get("number"))
    shown = any(each.get("id") == record["id"] for each in exchange.records)
    return shown or any(value in own for value in given)


class RecordHistory:
    """A check that remembers. Make one for each run."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._sights: dict[str, dict[str, Sight]] = {}  # id → show or list → the last sight
        self._moving: set[str] = set()  # sent again, and perhaps not yet done
        self._clean: set[str] = set()  # of show and list: which left something unchanged
        self._dirty: str | None = None  # the one that does not; all else follows of it
        self._tokens: set[str | None] = set()  # that logins returned
        self.others: list[str] = []  # what somebody else has changed meanwhile

    def __call__(self, exchange: Exchange, session: Session) -> Iterator[str | Violation]:
        """Compare what ``exchange`` shows with what was seen before."""
        token = token_of(exchange)
        if token is not None:
            self._tokens.add(token)
        if changing_method(exchange.call) is not None:
            self._note_change(exchange, self._tokens | {session.target.login.token})
        elif exchange.call.method in _READS and "fields_set" not in exchange.call.parameters:
            kept: set[str] = set()
            for record in exchange.records:
                if isinstance(record.get("id"), str):
                    for verdict in self._look(Sight(record, exchange), session):
                        if isinstance(verdict, Violation):
                            yield verdict
                        else:
                            kept.add(verdict)
            yield from sorted(kept)

    def _note_change(self, exchange: Exchange, tokens: set[str | None]) -> None:
        """Forget what a call may have changed: what it names, where it was not clearly refused."""
        for record_id, sights in list(self._sights.items()):
            last = max(sights.values(), key=lambda sight: sight.exchange.number)
            if not names(exchange, last.record):
                continue
            if exchange.ok or _may_have_tried(exchange, last.record, tokens):
                del self._sights[record_id]
                self._moving.add(record_id)

    def _look(self, now: Sight, session: Session) -> Iterator[str | Violation]:
        record_id, kind = now.record["id"], now.exchange.call.method
        sights = self._sights.setdefault(record_id, {})
        if record_id in self._moving:
            sights.clear()  # a resend may be queued: each look is the first until it is done
            if now.record.get("life_cycle_state") == "SUCCESSFUL":
                self._moving.discard(record_id)
        before = sights.get(kind)
        changed = list(changed_members(before.record, now.record)) if before else []
        if before is not None and changed:
            yield from self._blame(before, now, changed, session)
            sights.clear()
        elif before is not None:
            yield from self._unchanged(before, now, session)
            yield from self._agreement(before, now, sights.get(_other(kind)), session)
        elif (other := sights.get(_other(kind))) is not None and self._is_sure(other, now, session):
            yield from self._agreement(other, now, other, session)
        sights[kind] = now

    def _between(self, before: Sight, now: Sight, session: Session) -> Sequence[Exchange]:
        return session.client.history[before.exchange.number : now.exchange.number - 1]

    def _unchanged(self, before: Sight, now: Sight, session: Session) -> Iterator[str]:
        """Yield the statements that two equal looks tell of."""
        kind, between = now.exchange.call.method, self._between(before, now, session)
        yield f"{kind}.changes_nothing"
        self._clean.add(kind)
        for exchange in between[-50:]:
            changes = changing_method(exchange.call)
            if changes and not exchange.ok:
                yield "errors.change_nothing"
            elif changes and not names(exchange, now.record):
                yield f"{changes}.single_result"

    def _agreement(
        self, before: Sight, now: Sight, other: Sight | None, session: Session
    ) -> Iterator[str | Violation]:
        """Do two equal looks of one method, and one of the other in between, agree?"""
        if other is None or other.exchange.number < before.exchange.number:
            return
        changed = list(changed_members(other.record, now.record))
        if not changed:
            yield "list.agrees_with_show"
        elif _whole(other.record, session) and _whole(now.record, session):
            yield _violation("list.agrees_with_show", other, now, changed)

    def _is_sure(self, other: Sight, now: Sight, session: Session) -> bool:
        """Whether one look of each method must agree: between them nothing can have changed."""
        calls = self._between(other, now, session)
        quiet = not any(changing_method(exchange.call) for exchange in calls)
        clean = self._dirty is None and self._clean.issuperset(_READS)
        return session.target.own and quiet and clean

    def _blame(
        self, before: Sight, now: Sight, changed: list[str], session: Session
    ) -> Iterator[str | Violation]:
        """Find the call that changed what must be left unchanged."""
        if not (_whole(before.record, session) and _whole(now.record, session)):
            return
        between = self._between(before, now, session)
        if not session.target.own and "log_information.updated_date" in changed:
            touched = any(changing_method(e.call) and names(e, now.record) for e in between)
            if not touched:
                number = now.record.get("number")
                self.others.append(f"number {number} was changed by somebody else meanwhile")
                return
        if self._dirty is not None or session.findings.is_broken("list.agrees_with_show"):
            return  # two looks of either method, and what is between them, tell nothing
        found = self._culprit(before, now, between)
        if found is None:
            return
        statement, culprit = found
        if statement.endswith(".changes_nothing"):
            self._dirty = statement
        yield _violation(statement, before, now, changed, culprit)

    def _culprit(
        self, before: Sight, now: Sight, between: Sequence[Exchange]
    ) -> tuple[str, Exchange] | None:
        """Return the statement that is broken, and the call that breaks it.

        None where show and list were both called, and neither is known to be harmless yet: a
        probe that calls them in turns will tell.
        """
        changing = [exchange for exchange in between if changing_method(exchange.call)]
        refused = [exchange for exchange in changing if not exchange.ok]
        about = [exchange for exchange in refused if names(exchange, now.record)]
        if about:
            return "errors.change_nothing", about[-1]
        served = [exchange for exchange in changing if exchange.ok]
        if served:
            return f"{changing_method(served[-1].call)}.single_result", served[-1]
        if refused:
            return "errors.change_nothing", refused[-1]
        kind = now.exchange.call.method
        others = [exchange for exchange in between if exchange.call.method == _other(kind)]
        if others and kind not in self._clean:
            return None
        if others and _other(kind) not in self._clean:
            return f"{_other(kind)}.changes_nothing", others[-1]
        return f"{kind}.changes_nothing", before.exchange


def _may_have_tried(exchange: Exchange, record: Record, tokens: set[str | None]) -> bool:
    """Whether an error may be about the delivery of a resend, which did happen."""
    given = exchange.call.parameters
    return (
        exchange.call.method == "resend"
        and identifier_of(exchange) is not None
        and given.get("token") in tokens
        and record.get("life_cycle_state") == "REJECTED"
    )


def _other(kind: str) -> str:
    return "list" if kind == "show" else "show"


def _whole(record: Record, session: Session) -> bool:
    """Whether a record is as the contract says; what is wrong with another is said elsewhere."""
    return bool(validator("webhook_request", "core", session.release.name).is_valid(record))


def _violation(
    statement: str,
    before: Sight,
    now: Sight,
    changed: list[str],
    culprit: Exchange | None = None,
) -> Violation:
    path = changed[0]
    was, is_now = value_at(before.record, path), value_at(now.record, path)
    exchanges = {before.exchange.number: before.exchange, now.exchange.number: now.exchange}
    if culprit is not None:
        exchanges[culprit.number] = culprit
    return Violation(
        statement,
        *(exchanges[number] for number in sorted(exchanges)),
        expected=f"{path} as before: {shortened(repr(was), 80)}",
        seen=shortened(repr(is_now), 80),
        record=now.record["id"],
        layer="memory",
    )
