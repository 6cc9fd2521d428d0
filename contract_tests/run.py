"""The suite: finds its data, runs the layers in order, and gives the verdicts."""

import fnmatch
import time
from collections.abc import Sequence

from crmcom_kit.contract_tests.checks.all_checks import JUDGES
from crmcom_kit.contract_tests.checks.history import Memory, names
from crmcom_kit.contract_tests.client.http import BudgetSpent, TargetDown
from crmcom_kit.contract_tests.config import Plan
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.gc_thresholds import seldom_collected
from crmcom_kit.contract_tests.opening import CHANGING, enter, hands_on
from crmcom_kit.contract_tests.probes.budget import Thrift
from crmcom_kit.contract_tests.probes.registry import Probe, probes
from crmcom_kit.contract_tests.results import Results, verdicts
from crmcom_kit.contract_tests.safety.discovery import discover, needs
from crmcom_kit.contract_tests.safety.dry_run import rehearse
from crmcom_kit.contract_tests.safety.inventory import Inventory
from crmcom_kit.contract_tests.session import Kit, changing_method, shortened
from crmcom_kit.contract_tests.stateful.layers import run_generated_layers
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.schemas.methods import methods
from crmcom_kit.schemas.statements import statements

__all__ = ["Plan", "run"]


class _Run:
    """One run: its kit, and what is kept beside it until the results are made."""

    def __init__(self, target: Target, plan: Plan) -> None:
        self.target, self.plan = target, plan
        self.memory = Memory()
        self.kit, self.guard = hands_on(target, plan, judges=(*JUDGES, self.memory))
        self.client = self.kit.client
        self.inventory: Inventory | None = None
        self._resends_looked_after = False
        self._layer = ""
        self.thrift: Thrift | None = None  # where there are fewer requests than all probes take
        self.said = ""  # what the inventory came to
        self.notes: list[str] = []
        self.pending = [each for each in probes() if self.wants(each)]

    def all_layers(self) -> None:
        """Log in, find data, run every probe."""
        enter(self.kit, self.plan)
        for method in sorted(CHANGING - self.kit.allowed):
            why = f"{method} is not allowed; allow it with --allow {method}"
            self._leave_out([probe for probe in self.pending if probe.layer == method], why)
        self.notes += needs(self.kit.allowed)
        for line in self.notes:
            self._tell(line)
        lists = discover(self.kit, self.kit.pool.may_change)
        self.notes.append(_known(self.kit))
        self._tell(self.notes[-1])
        self.inventory = Inventory(self.kit, lists)
        left = self.client.left
        if left is not None:
            self.client.reserved = min(self.inventory.cost, left // 4)
            self._see_what_there_is(left - self.client.reserved)
        while (probe := self._next_probe()) is not None:
            self._between_layers(probe.layer)
            self._tell(f"{probe.layer}: {probe.name.replace('_', ' ')}")
            if self._probe(probe) and self.thrift is not None:
                self.thrift.know(probe)
            del self.pending[0]
        self.kit.shares_looks = False
        self._generated()

    def _generated(self) -> None:
        """Run the generated layers; on a mock of this process they start from a fresh one."""
        if self.plan.max_examples <= 0 or self.plan.only != "*":
            return
        if self.kit.target.own:  # what follows leaves nothing of this mock's world
            self.take_inventory()
            self.inventory = None
        self._tell("generated calls, and sequences of calls")
        plan = self.plan
        run_generated_layers(
            self.kit, max_examples=plan.max_examples, profile=plan.profile, number=plan.seed
        )

    def _between_layers(self, layer: str) -> None:
        """On a mock of our own, look after the resends whether anything went that must not.

        After the deletes it could not be told any more which of the two did it.
        """
        if layer == "delete" and self.target.own and not self._resends_looked_after:
            self._resends_looked_after = True
            if self.inventory is not None and self.client.left is None:
                self.inventory.compare(self.guard.touched)

    def _see_what_there_is(self, budget: int) -> None:
        """Be thrifty where a budget does not allow all probes."""
        if budget < sum(probe.cost for probe in self.pending) * 2:  # a cost is a least one
            self.kit.thrifty = True
            known = statements(self.target.release.name)
            self.thrift = Thrift(each.id for each in known if each.unchecked is None)

    def _next_probe(self) -> Probe | None:
        """Return the probe that is next; before a layer, leave out of it what costs too much."""
        while self.pending and self.pending[0].layer != self._layer:
            layer = self._layer = self.pending[0].layer
            if self.thrift is not None:
                chosen = self.thrift.worthwhile(self.pending, self.client.left or 0)
                why = f"left out of a run of {self.plan.limits.max_requests} requests"
                self._leave_out(
                    [p for p in self.pending if p.layer == layer and p not in chosen], why
                )
        return self.pending[0] if self.pending else None

    def _leave_out(self, left_out: Sequence[Probe], why: str) -> None:
        for probe in left_out:
            self.kit.findings.miss(probe.statements, why)
        self.pending = [probe for probe in self.pending if probe not in left_out]

    def leave_out_the_rest(self, why: str) -> None:
        """Say of all probes that did not come to their end why they did not."""
        for probe in self.pending:
            self.kit.findings.miss(probe.statements, why)

    def wants(self, probe: Probe) -> bool:
        """Whether any statement of ``probe`` is asked for, in a release that it is about."""
        if probe.needs and probe.needs not in methods(self.target.release):
            return False
        return any(fnmatch.fnmatchcase(each, self.plan.only) for each in probe.statements)

    def _probe(self, probe: Probe) -> bool:
        """Run a probe; return whether it came to its end."""
        self.kit.layer = "probe"
        self.kit.shares_looks = self.kit.thrifty and probe.shares
        try:
            probe.run(self.kit)
        except Unreachable as missed:
            self.kit.findings.miss(probe.statements, missed.why)
        except (TargetDown, BudgetSpent):
            raise
        except Exception as error:  # noqa: BLE001 - a check that fails is no verdict on the target
            what = f"{probe.name}: {type(error).__name__}: {error}"
            self.kit.findings.fail(probe.statements, what)
        else:
            return True
        return False

    def take_inventory(self) -> None:
        """Compare what was not to be changed with how it was."""
        if self.inventory is None:
            return
        self.client.reserved = 0
        try:
            self.said = self.inventory.compare(self.guard.touched)
        except (TargetDown, BudgetSpent, Unreachable) as error:
            self.said = f"what the run had not to change was not compared: {error}"

    def _tell(self, line: str) -> None:
        if self.plan.progress is not None:
            self.plan.progress(line)

    def changed(self) -> tuple[str, ...]:
        """Return the numbers of the webhook requests that served calls have changed."""
        calls = [e for e in self.client.history if e.ok and changing_method(e.call)]
        touched = self.guard.touched.values()
        return tuple(str(r.get("number")) for r in touched if any(names(e, r) for e in calls))

    def unclear(self) -> tuple[str, ...]:
        """Return the numbers of others that were named in calls with no clear answer."""
        numbers = {str(record.get("number")): None for record in self.guard.unclear.values()}
        return tuple(number for number in numbers if number not in self.changed())


def run(target: Target, plan: Plan) -> Results:
    """Check ``target`` and return the results; never raises what the target does to it."""
    began = time.monotonic()
    one = _Run(target, plan)
    trouble = None
    try:
        if plan.dry_run:
            clear = plan.allowed is not None or not target.near
            one.notes += rehearse(one.kit, one.pending, is_clear=clear)
        else:
            with plan.stop.at_once(), seldom_collected():
                trouble = _try_all(one)
    except KeyboardInterrupt:
        trouble = "interrupted"
        one.leave_out_the_rest(trouble)
    except Exception as error:  # noqa: BLE001 - what was found so far is worth a report
        trouble = _own_error(error)
        one.leave_out_the_rest(trouble)
    finally:
        one.client.close()
    return Results(
        target=target,
        options=plan.options,
        command=plan.command,
        seed=plan.seed,
        began=plan.began,
        seconds=time.monotonic() - began,
        statements=verdicts(one.kit.findings, target.release, plan.deviations, plan.only),
        history=tuple(one.client.history),
        findings=one.kit.findings,
        changed=one.changed(),
        unclear=one.unclear(),
        inventory=one.said,
        trouble=trouble,
        notes=(*one.notes, *one.memory.others),
        dry_run=plan.dry_run,
    )


def _try_all(one: _Run) -> str | None:
    """Run everything; return why the run itself failed, where it did."""
    try:
        one.all_layers()
    except TargetDown as error:
        one.leave_out_the_rest(str(error))
        return str(error)
    except (BudgetSpent, Unreachable) as error:  # Unreachable: not even a token is to be had
        one.leave_out_the_rest(str(error))
    one.take_inventory()
    one.plan.stop.check()  # whoever swallowed the exception
    return None


def _own_error(error: Exception) -> str:
    """Say what went wrong in the kit itself, and where: no verdict on the target."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    where = step.tb_frame.f_code.co_name if step is not None else "?"
    what = shortened(f"{type(error).__name__}: {error}")
    return f"an error of the kit itself, in {where}: {what}"


def _known(kit: Kit) -> str:
    """Say in a line how many webhook requests are known, by state and scope."""
    counts = {state: sum(1 for _ in kit.pool.some(state)) for state in ("REJECTED", "SUCCESSFUL")}
    scoped = sum(kit.pool.may_change(record) for record in kit.pool.some())
    found = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"known: {len(kit.pool)} webhook requests ({found}), {scoped} of them in scope"
