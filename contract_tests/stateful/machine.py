"""The state machine: sequences of list, show, resend, delete and login, against a model.

Deleted webhook requests stay in play, and every list is compared with the model. On a mock of
one's own each sequence starts afresh; elsewhere there is one, on what is in scope.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from hypothesis import seed
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from crmcom_kit.contract_tests.login import ask_for_token, token_of
from crmcom_kit.contract_tests.options import Profile
from crmcom_kit.contract_tests.safety.pool import Record
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful import expectations
from crmcom_kit.contract_tests.stateful.cases import Named
from crmcom_kit.contract_tests.stateful.model import Model
from crmcom_kit.contract_tests.stateful.oracle import Oracle
from crmcom_kit.contract_tests.stateful.profiles import examples, layer_settings
from crmcom_kit.contract_tests.stateful.stateful_run import LAYER, StatefulRun

#: Steps of one sequence, and how many calls one makes, about.
STEPS = 40
CALLS = 3

_FIELDS = ("id", "number")
_SHORT = (None, ("id",), ("number", "id", "life_cycle_state"))
#: One number makes all of a step, see ``_parted``: each draw costs more than a call in process.
_PLACE = st.integers(0, 2**20)
#: Which filters a list of the machine has: they take their values from one webhook request.
_FILTERS = (
    ("entity",), ("entity", "life_cycle_state"), ("webhook_definition_identifier",),
    ("workflow_rule_identifier", "life_cycle_state"), ("entity", "entity_id"),
    ("entity", "url"), ("webhook_definition_identifier", "workflow_rule_identifier"),
    ("entity", "created_date"), ("entity", "webhook_definition_identifier", "life_cycle_state"),
)  # fmt: skip

#: The same of lists that look for what was just sent again.
_AFTER = (
    ("entity", "entity_id", "life_cycle_state"), ("entity", "entity_id"),
    ("entity", "life_cycle_state"),
)  # fmt: skip


class CallSequence(RuleBasedStateMachine):
    """One sequence of calls."""

    def __init__(self, stateful_run: StatefulRun) -> None:
        """Play with the runner of ``stateful_run``."""
        self.stateful_run = stateful_run
        super().__init__()

    @initialize()
    def begin(self) -> None:
        """Start from what there is."""
        self.stateful_run.begin()

    @property
    def model(self) -> Model:
        """What must be there now."""
        return self.stateful_run.runner.oracle.model

    def _record(self, place: int, *, changeable: bool = False) -> Record | None:
        records = list(self.model.records.values())
        if changeable and not self.stateful_run.fresh:
            records = [each for each in records if self.stateful_run.session.pool.may_change(each)]
        return records[place % len(records)] if records else None

    def _deleted(self, place: int) -> Record | None:
        records = list(self.model.deleted.values())
        return records[place % len(records)] if records else None

    @rule(place=_PLACE)
    def look(self, place: int) -> None:
        """Show a webhook request, and list by what it has."""
        self._look(place)

    def _look(self, place: int) -> None:
        place, field, raw = _parted(place, _FIELDS, (False, True))
        place, names, short = _parted(place, _FILTERS, _SHORT)
        record = self._record(place)
        if record is None:
            return
        if field in record:
            self.stateful_run.make(expectations.known("show", record, field, raw=raw))
        if self._list(record, names, short):
            self._show_found(place)

    def _show_found(self, place: int) -> None:
        """Show one of the webhook requests that the last list has found."""
        trace = self.stateful_run.runner.trace
        found = trace[-1][1].records if trace else []
        key = found[place % len(found)].get("id") if found else None
        record = self.model.records.get(key) if isinstance(key, str) else None
        if record is not None:
            self.stateful_run.make(expectations.known("show", record, "id"))

    @rule(place=_PLACE)
    def look_for_deleted(self, place: int) -> None:
        """Name a webhook request that was deleted, and list by what it had."""
        left, field, method = _parted(place, _FIELDS, ("show", "show", "resend", "delete"))
        left, names = _parted(left, _FILTERS)
        record = self._deleted(left)
        if record is None:
            self._look(place)
            return
        if field in record and self._allowed(method, record):
            self.stateful_run.make(expectations.gone(method, record, field))
        self._list(record, ("entity_id",) if left % 2 else names, None)

    def _list(self, record: Record, names: tuple[str, ...], fields: tuple[str, ...] | None) -> bool:
        filters = {name: value for name in names if (value := _value(record, name)) is not None}
        case = expectations.listing(filters, self.stateful_run.session.release, fields=fields)
        if filters:
            self.stateful_run.make(case)
        return bool(filters)

    def _show_another(self, place: int, changed: Record) -> None:
        """Show a webhook request that was not called for, and is to be as it was."""
        other = self._record(place // 2)
        if other is not None and other["id"] != changed["id"]:
            self.stateful_run.make(expectations.known("show", other, "id"))

    @rule(place=_PLACE)
    def resend(self, place: int) -> None:
        """Send a webhook request again, and look at what came of it."""
        place, field, names = _parted(place, _FIELDS, _AFTER)
        record = self._record(place, changeable=True)
        if record is None or field not in record or not self._allowed("resend", record):
            return
        case = expectations.known("resend", record, field)
        if record["id"] in self.model.unsettled:
            case = expectations.loosely(case)
        self.stateful_run.make(case)
        after = self.model.records.get(record["id"])
        if after is not None:
            self._list(after, names, None)
            self.stateful_run.make(expectations.known("show", after, "id"))
        self._show_another(place, record)

    @rule(place=_PLACE)
    def resend_again(self, place: int) -> None:
        """Send one again that the sequence has sent with success, and see that it is as it was."""
        left, field = _parted(place, _FIELDS)
        done = [c.record for c in self.model.changes if c.method == "resend" and c.served]
        sent = [each for each in done if each in self.model.records]
        record = self.model.records[str(sent[left % len(sent)])] if sent else None
        if record is None or record["id"] in self.model.unsettled or field not in record:
            self._look(place)
        elif self._allowed("resend", record):
            self.stateful_run.make(expectations.known("resend", record, field))
            self.stateful_run.make(expectations.known("show", record, "id"))
            self._show_another(left, record)

    @rule(place=_PLACE)
    def delete(self, place: int) -> None:
        """Delete a webhook request, and look whether it is gone."""
        place, field = _parted(place, _FIELDS)
        record = self._record(place, changeable=True)
        if record is None or field not in record or not self._allowed("delete", record):
            return
        case = expectations.known("delete", record, field)
        if record["id"] in self.model.unsettled:
            case = expectations.loosely(case)  # it may be under way
        self.stateful_run.make(case)
        if record["id"] in self.model.deleted:
            self.stateful_run.make(expectations.gone("show", record, field))
            self._list(record, ("entity", "entity_id"), ("id",))
        self._show_another(place, record)

    @rule(place=_PLACE)
    def log_in(self, place: int) -> None:
        """Log in once more; the newest token is used from here on."""
        stateful_run = self.stateful_run
        if stateful_run.fresh and not stateful_run.over:
            token = token_of(ask_for_token(stateful_run.session))
            stateful_run.session.token = token if token is not None else stateful_run.session.token
        self._look(place)

    def _allowed(self, method: str, record: Record) -> bool:
        if method == "show" or self.stateful_run.fresh:
            return True
        return (
            method in self.stateful_run.session.allowed
            and self.stateful_run.session.pool.may_change(record)
        )


def _parted(number: int, *choices: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what is left of a number once it has made each of the choices, and these."""
    made = []
    for choice in choices:
        number, at = divmod(number, len(choice))
        made.append(choice[at])
    return number, *made


def _value(record: Record, name: str) -> Any:
    """Return the value of a filter that a webhook request fits."""
    if name in ("webhook_definition_identifier", "workflow_rule_identifier"):
        inner = record.get(name.removesuffix("_identifier"))
        found = inner.get("id") if isinstance(inner, dict) else None
        return Named("id", found) if isinstance(found, str) else None
    if name == "created_date":
        log = record.get("log_information")
        found = log.get("created_date") if isinstance(log, dict) else None
        return found[:10] if isinstance(found, str) else None
    found = record.get(name)
    return found if isinstance(found, str) and found else None


def run_machine(
    session: Session,
    model: Model,
    interpretations: Oracle,
    *,
    profile: Profile,
    sequences: int,
    number: int,
) -> StatefulRun:
    """Run the state machine, and note what broke.

    Args:
        session: makes the calls.
        model: what there is at the start.
        interpretations: an oracle that knows how the target reads filters, as far as is known.
        profile: see ``profiles``.
        sequences: how many, each of ``STEPS`` steps.
        number: the seed.

    Raises:
        BudgetSpent, TargetDown: see ``Session.send``.
    """
    fresh = session.target.renew is not None
    stateful_run = StatefulRun(session, model, interpretations, fresh=fresh)
    # Not a class a run: Hypothesis keeps every class of machines for good.
    machine: Callable[[], RuleBasedStateMachine] = seed(number)(partial(CallSequence, stateful_run))
    times = examples(profile, sequences) if fresh else 1
    chosen = layer_settings(profile, times, shrink=False, stateful_step_count=STEPS)
    with suppress(HypothesisException):  # violations are kept, and raise nothing
        run_state_machine_as_test(machine, settings=chosen)  # type: ignore[arg-type]
    session.findings.events.update(
        {f"{LAYER}: {key}": n for key, n in stateful_run.runner.events.items()}
    )
    if stateful_run.stopped is not None:
        raise stateful_run.stopped
    return stateful_run
