"""Observe how webhook requests are shown, compared with how they were seen before.

And what resend and delete return; the belief is brought in step with what they did.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief, Change, Record, TrackedRecord
from crmcom_kit.contract_tests.belief.knowledge import (
    Digest,
    differing,
    lasting,
    lost_members,
    value_at,
)
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.oracle.confirmations import Again, Disagree, Effect
from crmcom_kit.contract_tests.oracle.expectations import Expectation
from crmcom_kit.contract_tests.oracle.records import statement_of
from crmcom_kit.contract_tests.oracle.sense import FIELDS, RECORD_METHODS, Sense, is_whole
from crmcom_kit.contract_tests.oracle.suspicions import (
    NEW,
    Finding,
    Flaw,
    Held,
    Hypothesis,
    Suspicion,
)

READS = ("show", "list")
#: So many of the last changes are thought of where a webhook request is unchanged.
MAX_CHANGES = 20
ERROR_FIELDS = ("error_code", "error_description")
#: What each attempt of a delivery writes.
OF_DELIVERY = (*ERROR_FIELDS, "authentication_code", "log_information.updated_")
#: Whether delete notes who deleted a webhook request is open.
_NOTED = ("log_information.updated",)


def observe(exchange: Exchange, sense: Sense, belief: Belief) -> Iterator[Finding]:
    """Observe each webhook request in a response of show or list."""
    if not exchange.ok or sense.name not in (*RECORD_METHODS, "list"):
        return
    yield from _cleared(exchange, sense, belief)
    if sense.name not in READS:
        return
    held: set[Held] = set()
    group = _group(sense)
    before = None if group is None else belief.groups.get(group)
    for finding in _sights(exchange, sense, belief, before):
        if isinstance(finding, Held):
            held.add(finding)
        else:
            yield finding
    yield from sorted(held)
    if group is not None:
        belief.groups[group] = exchange


def _sights(
    exchange: Exchange, sense: Sense, belief: Belief, before: Exchange | None
) -> Iterator[Finding]:
    """Compare all webhook requests; ``before`` has listed the same before, if anything has."""
    whole, agreed = is_whole(sense), _Agreed(sense.name, belief)
    marks = zip(exchange.records, exchange.marks, strict=True)
    mark_of = {key: mark for record, mark in marks if isinstance(key := record.get("id"), str)}
    for key, record in exchange.by_id.items():
        if whole and belief.is_as_last_shown(record, mark_of[key]):  # most are, in long lists
            known = belief.tracked[key]
            yield from agreed.of(known)
            belief.see_again(known, record, sense.name, exchange)
            continue
        findings = [*_sight(record, exchange, sense, belief, before)]
        is_moving = key in belief.records and belief.tracked[key].moving  # so not all was compared
        yield from findings
        if whole and (key not in belief.tracked or belief.tracked[key].exists):
            agrees = not is_moving and all(isinstance(finding, Held) for finding in findings)
            belief.see(record, sense.name, exchange, mark_of[key] if agrees else None)
        elif sense.name == "show" and key in belief.records:
            belief.tracked[key].partly = exchange


def _sight(
    record: Record, exchange: Exchange, sense: Sense, belief: Belief, before: Exchange | None
) -> Iterator[Finding]:
    """Compare one webhook request."""
    key, method = record["id"], sense.name
    known = belief.tracked.get(key)
    if known is None:
        yield from _new(record, exchange, belief, before)
        return
    if not known.exists:
        if belief.named(sense.record) is not known:  # else the request was to be refused
            expected = f"no webhook request {known.number}: it was deleted"
            yield Flaw("delete.gone", expected, f"{method} returns {known.number}", key)
        return
    if known.untraced is not None and differing(known.untraced, record):
        known.untraced = None
        yield Held("resend.sends_again")
    paths = differing(known.certain, record)
    if paths and _has_failed_late(known, record, paths):
        known.moving = True
        return
    if paths:
        yield _differs(known, record, paths[0], exchange, sense, belief)
        return
    yield from _left_out(known, record, exchange, sense, belief)
    yield from _agrees(known, method, belief)


def _has_failed_late(known: TrackedRecord, record: Record, paths: Sequence[str]) -> bool:
    """Whether a resend that was seen to succeed has failed since: when a delivery ends is open."""
    is_failure = record.get("life_cycle_state") == "REJECTED"
    of_delivery = all(path == "life_cycle_state" or path.startswith(OF_DELIVERY) for path in paths)
    is_new = known.before_resend is not None and bool(differing(known.before_resend, record))
    return known.is_proven and is_new and is_failure and of_delivery


def _agrees(known: TrackedRecord, method: str, belief: Belief) -> Iterator[Held]:
    """Yield the statements that an unchanged sight speaks for."""
    known.is_proven |= known.resent and known.state == "SUCCESSFUL"
    if {"show": known.shown, "list": known.listed}[method]:
        yield Held(f"{method}.changes_nothing")
    if {"show": known.listed, "list": known.shown}[method]:
        yield Held("list.agrees_with_show")
    if known.resent:
        yield Held("resend.returns_record")
    for change in belief.since_seen(known.id)[:MAX_CHANGES]:
        if not change.served:
            yield Held("errors.change_nothing")
        elif known.id not in change.named:
            yield Held(f"{change.method}.single_result")


@dataclass(slots=True)
class _Agreed:
    """The statements that unchanged sights speak for: the same ones for most of a list."""

    method: str
    belief: Belief
    _named: set[str] = field(init=False)  # by late changes
    _alike: dict[tuple[int, bool, bool], frozenset[Held]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._named = {key for each in self.belief.changes[-MAX_CHANGES:] for key in each.named}

    def of(self, known: TrackedRecord) -> frozenset[Held]:
        """Return the statements of one webhook request."""
        if known.resent or known.id in self._named:
            return frozenset(_agrees(known, self.method, self.belief))
        kind = known.last_seen.number, known.shown, known.listed
        if kind not in self._alike:
            self._alike[kind] = frozenset(_agrees(known, self.method, self.belief))
        return self._alike[kind]


def _differs(
    known: TrackedRecord,
    record: Record,
    path: str,
    exchange: Exchange,
    sense: Sense,
    belief: Belief,
) -> Suspicion:
    """Return what may be wrong where a webhook request is not as it was known."""
    hypotheses = [Hypothesis("list.agrees_with_show", Disagree(known))]
    since = belief.since_seen(known.id)
    if known.partly is not None and not any(each.served for each in since):
        effect = Effect(known.partly, by_anybody=True, more=2)  # it is cheap to read once more
        hypotheses.append(Hypothesis("show.changes_nothing", effect))
    if known.resent:
        latest_first = reversed(belief.changes)
        own = next(each for each in latest_first if known.id in each.named and each.served)
        hypotheses.append(_of_resend(known, record, own))
    hypotheses += hypotheses_of_change(known, belief)
    if not known.moving:  # only this request shows it so, and each time
        odd = "list.agrees_with_show"
        if sense.record is not None:
            is_as_looked_at = sense.record.field == "id" and is_whole(sense)
            odd = "show.changes_nothing" if is_as_looked_at else "identifier.selects"
        again = Again((known.id,), passes=odd == "identifier.selects")
        hypotheses.append(Hypothesis(odd, again))
    return _changed(known, record, path, exchange, *hypotheses)


def _changed(
    known: TrackedRecord, record: Record, path: str, exchange: Exchange, *hypotheses: Hypothesis
) -> Suspicion:
    """Return the suspicion that a member of a webhook request is not as it was known."""
    seen = shortened(repr(value_at(record, path)), 120)
    if isinstance(value_at(known.record, path), Digest):
        seen += f", changed since request {known.last_seen.number}"
    return Suspicion(
        exchange, f"{path} of {known.number} unchanged: {_was(known, path)}", seen,
        hypotheses, known.id, (known.last_seen,), path,
    )  # fmt: skip


def _was(known: TrackedRecord, path: str) -> str:
    """Return a member of a webhook request as it was known; a long one, as it was shown last."""
    value = value_at(known.record, path)
    if isinstance(value, Digest):
        value = value_at(known.whole, path)
    return "not kept" if isinstance(value, Digest) else shortened(repr(value), 80)


def _of_resend(known: TrackedRecord, record: Record, change: Change) -> Hypothesis:
    """Return what a resend may have done wrong to the webhook request that it named."""
    statement = "resend.returns_record"
    if known.moving:
        statement = "resend.identity_kept"
    elif record.get("life_cycle_state") == "REJECTED" and known.untraced is not None:
        statement = "resend.sends_again"  # it is as before
    return Hypothesis(statement, Effect(change.exchange))


def hypotheses_of_change(known: TrackedRecord, belief: Belief) -> list[Hypothesis]:
    """Return which changes since it was seen may have changed, or taken, a webhook request.

    For each statement comes the last request that may break it, the latest first.
    """
    changes = belief.since_seen(known.id)
    served = [each for each in changes if each.served]
    named = [each for each in served if known.id in each.named]
    causes: dict[str, Change] = {}
    for each in named[:1] or served or changes[:1]:
        statement = f"{each.method}.single_result"
        if not each.served:
            statement = "errors.change_nothing"
        elif named:
            statement = "delete.gone" if each.method == "delete" else "resend.same_record"
        causes.setdefault(statement, each)
    return [
        Hypothesis(name, Effect(each.exchange, by_anybody=known.id not in each.named))
        for name, each in causes.items()
    ]


def _left_out(
    known: TrackedRecord, record: Record, exchange: Exchange, sense: Sense, belief: Belief
) -> Iterator[Suspicion]:
    """Yield what may be wrong where a member is left out that is known to have a value."""
    whole = is_whole(sense)
    wanted = FIELDS if whole else (sense.fields or ())
    if known.moving:
        return
    for path in lost_members(known.record, record):
        if path in ERROR_FIELDS and known.state == "SUCCESSFUL":
            continue  # a resend has cleared it, and what is unset may be left out
        if path.partition(".")[0] in wanted:
            statement = "fields_set.default_all" if whole else "fields_set.selects"
            if "." in path:
                statement = statement_of(belief.release, *path.split("."))
            yield Suspicion(
                exchange, f"{path} of {known.number} unchanged: {_was(known, path)}", f"no {path}",
                (Hypothesis(statement, Again((known.id,))),), known.id, (known.last_seen,),
            )  # fmt: skip
            return


def _new(
    record: Record, exchange: Exchange, belief: Belief, before: Exchange | None
) -> Iterator[Finding]:
    """Observe a webhook request that was not there when the same was listed before a resend.

    One that got no room may have been there.
    """
    key = record["id"]
    if before is None or key in belief.lost or belief.is_unseen(key):
        return
    since = [each for each in belief.changes if each.exchange.number > before.number]
    if not since:
        belief.done_by_others.add(NEW)
    if len(since) == 1 and since[0].method == "resend" and since[0].served:
        number = record.get("number", record["id"])
        yield Suspicion(
            exchange, "no new webhook request, since resend sends the existing one again",
            f"the new webhook request {number}",
            (Hypothesis("resend.same_record", Effect(since[0].exchange, by_anybody=True)),),
            record["id"], (since[0].exchange,), NEW,
        )  # fmt: skip


def _group(sense: Sense) -> frozenset[tuple[str, Any]] | None:
    """Return by what a request lists everything that is alike in it, or None."""
    plain = sense.name == "list" and sense.is_clear and not sense.is_paged
    if not plain or "entity" not in sense.filters or not is_whole(sense):
        return None
    return frozenset(sense.filters.items()) if len(sense.filters) < 3 else None


def _cleared(exchange: Exchange, sense: Sense, belief: Belief) -> Iterator[Finding]:
    """Observe resend.clears_error in each webhook request that was sent again with success."""
    for record in exchange.records:
        key = record.get("id")
        known = belief.tracked.get(key) if isinstance(key, str) else None
        resent = sense.name == "resend" or (known is not None and known.resent)
        if not resent or record.get("life_cycle_state") != "SUCCESSFUL":
            continue
        belief.has_resent = True
        left = [name for name in ERROR_FIELDS if record.get(name)]
        if left:
            expected = "error_code and error_description null after a successful resend"
            seen = ", ".join(f"{name} {shortened(repr(record[name]), 80)}" for name in left)
            yield Flaw("resend.clears_error", expected, seen, None if known is None else known.id)
            return
        yield Held("resend.clears_error")


# What resend and delete return.


def observe_change(exchange: Exchange, expected: Expectation, belief: Belief) -> Iterator[Finding]:
    """Observe one request of resend or delete; the belief follows, also what is wrongly served."""
    sense = expected.sense
    known = belief.tracked.get(str(expected.record)) if sense.verb == "POST" else None
    change = belief.changes[-1]
    if not exchange.ok:
        if known is not None and sense.name == "resend" and known.state == "REJECTED":
            known.moving = True  # the error may be about the delivery, which was tried
        return
    data: Record = exchange.data if isinstance(exchange.data, dict) else {}
    if known is None or not known.exists or data.get("id", known.id) != known.id:
        for key in change.named:
            if key in belief.records:
                belief.lose(key)  # what became of it, the next look tells
        return
    if sense.name == "delete":
        yield from _returned(known, known.certain, data, exchange)
        belief.delete(known.id)
        return
    yield from _kept(known, data, exchange)
    known.resent, known.is_proven, known.before_resend = True, False, known.record
    if known.state == "REJECTED":
        known.untraced = known.record
    is_done = data.get("life_cycle_state") == "SUCCESSFUL"
    if is_whole(sense) and is_done and "id" in data:
        belief.see(data, "resend", exchange)
    else:
        known.moving = True  # it is queued, or failed again: open until a response shows it


def _returned(
    known: TrackedRecord, was: Record, data: Record, exchange: Exchange
) -> Iterator[Finding]:
    paths = [each for each in differing(was, data) if not each.startswith(_NOTED)]
    if not paths:
        yield Held("delete.returns_record")
        return
    effect = Hypothesis("delete.returns_record", Effect(exchange))
    yield _changed(known, data, paths[0], exchange, effect)


def _kept(known: TrackedRecord, data: Record, exchange: Exchange) -> Iterator[Finding]:
    """Observe what sending again must keep."""
    paths = differing(lasting(known.record), lasting(data))
    if not paths:
        if "id" in data and "number" in data:
            yield from map(Held, ("resend.identity_kept", "resend.same_record"))
        return
    effect = Hypothesis("resend.identity_kept", Effect(exchange))
    yield _changed(known, data, paths[0], exchange, effect)
