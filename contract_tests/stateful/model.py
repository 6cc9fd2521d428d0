"""The model of a target's webhook requests while generated requests run.

It knows what answers have shown, which webhook requests are deleted, and which are not settled: a
webhook request that was sent again and is still REJECTED may be queued, and change later.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.checks.interpretations import Spans
from crmcom_kit.contract_tests.checks.knowledge import IDENTITY, changed_members
from crmcom_kit.contract_tests.safety.pool import Record
from crmcom_kit.contract_tests.stateful.cases import DELETED, Named

#: What is not compared: a reference may be made anew for each answer.
_FLEETING = frozenset(("request", "response"))


class ChangingCall(NamedTuple):
    """A call of resend or delete, as the model remembers it."""

    method: str
    served: bool
    record: str | None


class Model:
    """Webhook requests by id, as they must be now."""

    def __init__(
        self, records: Mapping[str, Record], deleted: Mapping[str, Record], *, complete: bool
    ) -> None:
        """Start with what is known.

        Args:
            records: the webhook requests that exist.
            deleted: those that are gone, as they were.
            complete: whether the target has no other ones.
        """
        self.records = dict(records)
        self.deleted = dict(deleted)
        self.complete = complete
        self.unsettled: set[str] = set()
        self.changes: list[ChangingCall] = []
        # By whether number_of_results is given: a server may have one limit for either.
        self.cap: dict[bool, int] = {}  # how many results answers have at most, once one was short
        self.largest = {False: 0, True: 0}  # the most results that an answer had
        self.spans = Spans(
            self.records
        )  # what filters select now, see ``interpretations.selected``
        self._settled: Mapping[str, Record] | None = None
        self._learned: dict[str, tuple[str, int]] = {}
        self._numbers = {
            each["number"]: key
            for key, each in self.records.items()
            if isinstance(each.get("number"), str)
        }

    def copy(self) -> "Model":
        """Return a model that knows the same, and is changed without this one."""
        new = Model(self.records, self.deleted, complete=self.complete)
        new.cap, new.largest = dict(self.cap), dict(self.largest)
        new.spans = self.spans.begun_anew(new.records)
        return new

    def find(self, named: Named | None) -> Record | None:
        """Return the webhook request that an identifier names, or None."""
        if named is None:
            return None
        key = named.value if named.field == "id" else self._numbers.get(named.value, "")
        return self.records.get(key)

    def gone(self, named: Named) -> Record | None:
        """Return the deleted webhook request that an identifier names, or None."""
        for record in self.deleted.values():
            if record.get(named.field) == named.value:
                return record
        return None

    def holds(self, premise: tuple[str, str] | None) -> bool:
        """Whether a webhook request is in the state that a case rests on."""
        if premise is None:
            return True
        key, state = premise
        if state == DELETED:
            return key in self.deleted
        known = self.records.get(key, {})
        return known.get("life_cycle_state") == state and key not in self.unsettled

    def learn(self, record: Record, method: str) -> None:
        """Keep a whole webhook request that an answer of ``method`` has shown."""
        key = record.get("id")
        if not isinstance(key, str) or key in self.deleted:
            return
        self._learned[key] = (method, len(self.changes))
        if record.get("life_cycle_state") == "SUCCESSFUL" and key in self.unsettled:
            self.unsettled.discard(key)
            self._changed(key)
        if self.records.get(key) != record:
            self.put(key, record)

    def put(self, key: str, record: Record) -> None:
        """Let a webhook request be as ``record``."""
        self.records[key] = record
        self._changed(key)
        if isinstance(record.get("number"), str):
            self._numbers[record["number"]] = key

    def unsettle(self, key: str) -> None:
        """Note that a webhook request may change by itself."""
        self.unsettled.add(key)
        self._changed(key)

    def forget(self, key: str) -> None:
        """Move a webhook request to the deleted ones."""
        record = self.records.pop(key, None)
        if record is not None:
            self.deleted[key] = record
            self.unsettled.discard(key)
            self._changed(key)

    def lose(self, key: str) -> None:
        """Forget a webhook request that somebody else has taken away."""
        self.records.pop(key, None)
        self._changed(key)

    def _changed(self, key: str) -> None:
        self.spans.change(key)
        self._settled = None

    def settled(self) -> Mapping[str, Record]:
        """The webhook requests to check lists by: of unsettled ones only what stays."""
        if not self.unsettled:
            return self.records
        if self._settled is None:
            self._settled = {
                key: lasting(record) if key in self.unsettled else record
                for key, record in self.records.items()
            }
        return self._settled

    def since(self, key: str) -> tuple[str, list[ChangingCall]]:
        """Return by which method a webhook request was seen last, and the changes since then."""
        method, at = self._learned.get(key, ("list", 0))
        return method, self.changes[at:]


def lasting(record: Record) -> Record:
    """What sending again must keep of a webhook request, however the delivery goes."""
    log = record.get("log_information")
    kept: Record = {name: record[name] for name in IDENTITY if name in record}
    if isinstance(log, dict):  # of whose members IDENTITY has the dotted name
        kept["log_information"] = {name: log[name] for name in ("created_date",) if name in log}
    return kept


_NEEDED = ("id", "number", "life_cycle_state", "entity", "entity_id", "log_information")


def is_whole(record: Mapping[str, Any]) -> bool:
    """Whether an answer's webhook request has what a whole one cannot lack."""
    return None not in map(record.get, _NEEDED)


def differing(known: Mapping[str, Any], seen: Mapping[str, Any]) -> str | None:
    """Return the first field in which two answers differ on one webhook request, or None.

    Members that only one of them has do not count: there are short and long forms.
    """
    if known == seen or seen.items() <= known.items():
        return None
    changed = (path.partition(".")[0] for path in changed_members(known, seen))
    return next((name for name in changed if name not in _FLEETING), None)
