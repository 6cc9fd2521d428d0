"""Compare sights, webhook requests as responses show them, with how they were seen before.

Also observe what resend and delete return, and update the belief with what they did.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.changes import Change
from crmcom_kit.contract_tests.belief.knowledge import (
    Digest,
    differing,
    id_of,
    lasting,
    lost_members,
)
from crmcom_kit.contract_tests.belief.records import Record, TrackedRecord
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.oracle.confirmations import Again, Disagree, Effect
from crmcom_kit.contract_tests.oracle.expectations import Expectation
from crmcom_kit.contract_tests.oracle.parsing import (
    FIELDS,
    READ_METHODS,
    RECORD_METHODS,
    Request,
    is_whole,
)
from crmcom_kit.contract_tests.oracle.suspicions import (
    NEW,
    Finding,
    Flaw,
    Held,
    Hypothesis,
    Suspicion,
    held,
)
from crmcom_kit.contract_tests.oracle.webhook_requests import ERROR_FIELDS, statement_of
from crmcom_kit.schemas.members import value_at

#: The maximum number of changes that an unchanged webhook request speaks for.
MAX_CHANGES = 20
#: The members that each attempt of a delivery may write.
OF_DELIVERY = (*ERROR_FIELDS, "authentication_code", "log_information.updated_")
#: The members that delete may write: whether it notes who deleted a webhook request is open.
_NOTED = ("log_information.updated",)


def observe(exchange: Exchange, request: Request, belief: Belief) -> Iterator[Finding]:
    """Observe each webhook request in a response of show or list."""
    if not exchange.ok or request.name not in (*RECORD_METHODS, "list"):
        return
    yield from _check_error_cleared(exchange, request, belief)
    if request.name not in READ_METHODS:
        return
    held_findings: set[Held] = set()
    filters = _filters_of_whole_list(request)
    earlier_list = None if filters is None else belief.lists.full_lists.get(filters)
    for finding in _Comparison(exchange, request, belief, earlier_list).findings():
        if isinstance(finding, Held):
            held_findings.add(finding)
        else:
            yield finding
    yield from sorted(held_findings)
    if filters is not None:
        belief.lists.full_lists[filters] = exchange


@dataclass(slots=True)
class _Comparison:
    """Compares the webhook requests of a response of show or list with the belief."""

    exchange: Exchange
    request: Request
    belief: Belief
    earlier_list: Exchange | None  # the last one with the same filters

    def findings(self) -> Iterator[Finding]:
        """Compare all webhook requests, and track what the response shows."""
        exchange, belief, method = self.exchange, self.belief, self.request.name
        records = belief.records
        has_all_fields = is_whole(self.request)
        hash_of = dict(zip(map(id_of, exchange.records), exchange.record_hashes, strict=True))
        for key, sight in exchange.by_id.items():
            record = records.by_id.get(key)
            is_same = has_all_fields and records.is_as_last_shown(sight, hash_of[key])
            if record is not None and is_same:
                yield from _note_agreement(record, method, belief)
                records.see_again(record, sight, method, exchange)
                continue
            findings = [*self._compare_record(sight)]
            yield from findings
            if has_all_fields and (record is None or record.exists):
                is_partial = record is not None and record.may_change
                agrees = not is_partial and all(isinstance(finding, Held) for finding in findings)
                belief.see(sight, method, exchange, hash_of[key] if agrees else None)
            elif method == "show" and record is not None and record.exists:
                record.partial_show = exchange

    def _compare_record(self, sight: Record) -> Iterator[Finding]:
        """Compare one webhook request."""
        key, method = sight["id"], self.request.name
        record = self.belief.records.by_id.get(key)
        if record is None:
            yield from self._suspect_new_record(sight)
            return
        if not record.exists:
            # If the request names it, the request had to be refused, which is checked elsewhere.
            if self.belief.records.named(self.request.identifier) is not record:
                expected = f"no webhook request {record.number}: it was deleted"
                yield Flaw("delete.gone", expected, f"{method} returns {record.number}", key)
            return
        if record.unseen_resend is not None and differing(record.unseen_resend, sight):
            record.unseen_resend = None
            yield Held("resend.sends_again")
        paths = differing(record.certain, sight)
        if paths and _has_failed_late(record, sight, paths):
            record.may_change = True
        elif paths:
            yield self._differs(record, sight, paths[0])
        else:
            yield from self._left_out(record, sight)
            yield from _note_agreement(record, method, self.belief)

    def _differs(self, record: TrackedRecord, sight: Record, path: str) -> Suspicion:
        """Return the suspicion that a webhook request is not as it was known."""
        hypotheses: list[Hypothesis] = [Disagree("list.agrees_with_show", record)]
        changes, show = self.belief.changes, record.partial_show
        if show and not any(change.is_served for change in changes.since(record.last_seen)):
            # A read is cheap, so it must be seen more often.
            effect = Effect("show.changes_nothing", show, by_anybody=True, extra_sightings=2)
            hypotheses.append(effect)
        if record.was_resent:
            served_changes = (change for change in reversed(changes.sent) if change.is_served)
            resend = next(change for change in served_changes if record.id in change.record_ids)
            hypotheses.append(_resend_hypothesis(record, sight, resend))
        hypotheses += hypotheses_of_change(record, self.belief)
        if not record.may_change:  # it may be that only this request shows it so
            statement = "list.agrees_with_show"
            if self.request.identifier is not None:
                is_as_looked_at = self.request.identifier.field == "id" and is_whole(self.request)
                statement = "show.changes_nothing" if is_as_looked_at else "identifier.selects"
            hypotheses.append(Again(statement, (record.id,)))
        return _changed(record, sight, path, self.exchange, *hypotheses)

    def _left_out(self, record: TrackedRecord, sight: Record) -> Iterator[Suspicion]:
        """Yield the suspicion that a member is left out that is known to have a value."""
        if record.may_change:
            return
        has_all_fields = is_whole(self.request)
        fields = FIELDS if has_all_fields else (self.request.fields or ())
        for path in lost_members(record.condensed, sight):
            if path in ERROR_FIELDS and record.state == "SUCCESSFUL":
                continue  # a resend has cleared it, and a null may be left out
            if path.partition(".")[0] in fields:
                statement = "fields_set.default_all" if has_all_fields else "fields_set.selects"
                if "." in path:
                    statement = statement_of(self.belief.release, *path.split("."))
                hypothesis = Again(statement, (record.id,))
                suspicion = _changed(record, sight, path, self.exchange, hypothesis)
                yield replace(suspicion, seen=f"no {path}", symptom="")
                return

    def _suspect_new_record(self, sight: Record) -> Iterator[Finding]:
        """Observe a webhook request that the same list did not have before a resend.

        If it did not fit in memory earlier, the list may have had it.
        """
        key, belief, records = sight["id"], self.belief, self.belief.records
        if not self.earlier_list or key in records.lost_ids or records.may_be_untracked(key):
            return
        changes = belief.changes.since(self.earlier_list)
        if not changes:
            belief.by_others.symptoms.add(NEW)
        if len(changes) == 1 and changes[0].method == "resend" and changes[0].is_served:
            number = sight.get("number", key)
            effect = Effect("resend.same_record", changes[0].exchange, by_anybody=True)
            yield Suspicion(
                self.exchange,
                expected="no new webhook request, since resend sends the existing one again",
                seen=f"the new webhook request {number}",
                hypotheses=(effect,),
                record_id=key,
                earlier_exchanges=(changes[0].exchange,),
                symptom=NEW,
            )


def _has_failed_late(record: TrackedRecord, sight: Record, paths: Sequence[str]) -> bool:
    """Return whether a resend failed after it was seen to succeed: when a delivery ends is open."""
    is_failure = sight.get("life_cycle_state") == "REJECTED"
    of_delivery = all(path == "life_cycle_state" or path.startswith(OF_DELIVERY) for path in paths)
    is_new = record.before_resend is not None and bool(differing(record.before_resend, sight))
    return record.is_proven and is_new and is_failure and of_delivery


def _note_agreement(record: TrackedRecord, method: str, belief: Belief) -> Iterator[Held]:
    """Yield the statements that an unchanged webhook request keeps, and note a proven resend."""
    record.is_proven |= record.was_resent and record.state == "SUCCESSFUL"
    if {"show": record.was_shown, "list": record.was_listed}[method]:
        yield Held(f"{method}.changes_nothing")
    if {"show": record.was_listed, "list": record.was_shown}[method]:
        yield Held("list.agrees_with_show")
    if record.was_resent:
        yield Held("resend.returns_record")
    for change in belief.changes.since(record.last_seen)[:MAX_CHANGES]:
        if not change.is_served:
            yield Held("errors.change_nothing")
        elif record.id not in change.record_ids:
            yield Held(f"{change.method}.single_result")


def _changed(
    record: TrackedRecord, sight: Record, path: str, exchange: Exchange, *hypotheses: Hypothesis
) -> Suspicion:
    """Return the suspicion that a member of a webhook request is not as it was known."""
    seen = shortened(repr(value_at(sight, path)), 120)
    if isinstance(value_at(record.condensed, path), Digest):
        seen += f", changed since request {record.last_seen.number}"
    return Suspicion(
        exchange,
        expected=f"{path} of {record.number} unchanged: {_known_text(record, path)}",
        seen=seen,
        hypotheses=hypotheses,
        record_id=record.id,
        earlier_exchanges=(record.last_seen,),
        symptom=path,
    )


def _known_text(record: TrackedRecord, path: str) -> str:
    """Return a member of a webhook request as it was known, for a message."""
    value = value_at(record.condensed, path)
    if isinstance(value, Digest):
        value = value_at(record.whole, path)
    return "not kept" if isinstance(value, Digest) else shortened(repr(value), 80)


def _resend_hypothesis(record: TrackedRecord, sight: Record, change: Change) -> Effect:
    """Return the hypothesis that a resend has done something wrong to its webhook request."""
    statement = "resend.returns_record"
    if record.may_change:
        statement = "resend.identity_kept"
    elif sight.get("life_cycle_state") == "REJECTED" and record.unseen_resend is not None:
        statement = "resend.sends_again"  # it is as before
    return Effect(statement, change.exchange)


def hypotheses_of_change(record: TrackedRecord, belief: Belief) -> list[Effect]:
    """Return the hypotheses of which request changed or removed a webhook request.

    There is one for each statement, with the last request that may break it; the latest is first.
    """
    changes = belief.changes.since(record.last_seen)
    served_changes = [change for change in changes if change.is_served]
    own_changes = [change for change in served_changes if record.id in change.record_ids]
    causes: dict[str, Change] = {}
    for change in own_changes[:1] or served_changes or changes[:1]:
        statement = f"{change.method}.single_result"
        if not change.is_served:
            statement = "errors.change_nothing"
        elif own_changes:
            statement = "delete.gone" if change.method == "delete" else "resend.same_record"
        causes.setdefault(statement, change)
    return [
        Effect(statement, change.exchange, by_anybody=record.id not in change.record_ids)
        for statement, change in causes.items()
    ]


def _filters_of_whole_list(request: Request) -> frozenset[tuple[str, Any]] | None:
    """Return the filters of a request that lists all that match them, or None."""
    if request.name != "list" or not request.is_clear or request.is_paged or not is_whole(request):
        return None
    if "entity" not in request.filters:
        return None
    return frozenset(request.filters.items()) if len(request.filters) < 3 else None


def _check_error_cleared(exchange: Exchange, request: Request, belief: Belief) -> Iterator[Finding]:
    """Check resend.clears_error for each webhook request that was resent with success."""
    for sight in exchange.records:
        key = id_of(sight)
        record = None if key is None else belief.records.by_id.get(key)
        is_resent = request.name == "resend" or (record is not None and record.was_resent)
        if not is_resent or sight.get("life_cycle_state") != "SUCCESSFUL":
            continue
        belief.changes.has_resent = True
        uncleared_names = [name for name in ERROR_FIELDS if sight.get(name)]
        if uncleared_names:
            expected = "error_code and error_description null after a successful resend"
            seen = ", ".join(
                f"{name} {shortened(repr(sight[name]), 80)}" for name in uncleared_names
            )
            known_id = None if record is None else record.id
            yield Flaw("resend.clears_error", expected, seen, known_id)
            return
        yield Held("resend.clears_error")


# What resend and delete return.


def check_change(exchange: Exchange, expectation: Expectation, belief: Belief) -> Iterator[Finding]:
    """Check a request of resend or delete; update the belief even if it is wrongly served."""
    request = expectation.request
    is_post = request.verb == "POST"
    record = belief.records.by_id.get(str(expectation.record_id)) if is_post else None
    change = belief.changes.sent[-1]
    if not exchange.ok:
        if record is not None and request.name == "resend" and record.state == "REJECTED":
            record.may_change = True  # the error may be about the delivery, which was tried
        return
    data: Record = exchange.data if isinstance(exchange.data, dict) else {}
    if record is None or not record.exists or data.get("id", record.id) != record.id:
        for key in change.record_ids:
            if key in belief.records.condensed:
                belief.lose(key)  # the next look shows what it is now
        return
    if request.name == "delete":
        yield from _check_deleted(record, data, exchange)
        belief.records.delete(record.id)
        return
    yield from _check_resent(record, data, exchange)
    record.is_proven, record.before_resend = False, record.condensed
    if record.state == "REJECTED":
        record.unseen_resend = record.condensed
    is_done = data.get("life_cycle_state") == "SUCCESSFUL"
    if is_whole(request) and is_done and "id" in data:
        belief.see(data, "resend", exchange)
    else:
        record.may_change = True  # it is queued, or has failed again: a later response shows it


def _check_deleted(record: TrackedRecord, data: Record, exchange: Exchange) -> Iterator[Finding]:
    """Check that delete returns the webhook request as it was."""
    paths = [path for path in differing(record.certain, data) if not path.startswith(_NOTED)]
    if paths:
        effect = Effect("delete.returns_record", exchange)
        yield _changed(record, data, paths[0], exchange, effect)
    else:
        yield Held("delete.returns_record")


def _check_resent(record: TrackedRecord, data: Record, exchange: Exchange) -> Iterator[Finding]:
    """Check that resend returns the members that it must keep."""
    paths = differing(lasting(record.condensed), lasting(data))
    if paths:
        effect = Effect("resend.identity_kept", exchange)
        yield _changed(record, data, paths[0], exchange, effect)
    elif {"id", "number"} <= data.keys():
        yield from held("resend.identity_kept", "resend.same_record")
