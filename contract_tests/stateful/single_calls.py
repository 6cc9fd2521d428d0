"""The layer of generated single requests: Hypothesis draws them, the oracle checks them."""

from collections.abc import Callable
from contextlib import suppress

from hypothesis import given, seed
from hypothesis.errors import HypothesisException
from hypothesis.strategies import SearchStrategy

from crmcom_kit.contract_tests.client.http import BudgetSpent, TargetDown
from crmcom_kit.contract_tests.findings import Unreachable, Violation
from crmcom_kit.contract_tests.options import Profile
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful.case_runner import CaseRunner
from crmcom_kit.contract_tests.stateful.cases import Case
from crmcom_kit.contract_tests.stateful.model import Model
from crmcom_kit.contract_tests.stateful.oracle import Oracle
from crmcom_kit.contract_tests.stateful.profiles import examples, layer_settings
from crmcom_kit.contract_tests.stateful.strategies import Calls

LAYER = "generated"

#: On a mock of one's own a call costs next to nothing.
_MANY = 6

#: So many calls may be spent on making what broke smaller, on a mock of one's own.
MAX_TO_SHRINK = 200


class Broken(Exception):
    """Tells Hypothesis that a call broke something; one class for each statement."""


class StrategyRunner:
    """Runs one strategy of cases; keeps the smallest violation of each statement."""

    def __init__(self, runner: CaseRunner, *, shrink: bool) -> None:
        """Make the cases with ``runner``; where ``shrink``, Hypothesis is told what broke."""
        self.runner = runner
        self.found: dict[str, Violation] = {}
        self.stopped: Exception | None = None
        self._shrink = shrink
        self._answers: dict[str, Violation | None] = {}
        self._since_broken = 0

    def run(self, cases: SearchStrategy[Case], profile: Profile, times: int, number: int) -> None:
        """Make ``times`` cases or fewer, and note what they broke.

        Raises:
            BudgetSpent, TargetDown: the run cannot go on.
        """

        @seed(number)
        @layer_settings(profile, times, shrink=self._shrink)
        @given(cases)
        def one(case: Case) -> None:
            self._one(case)

        # The violations are kept in ``found``; Hypothesis need not tell of them.
        with suppress(Broken, BaseExceptionGroup, HypothesisException):
            one()
        for violation in self.found.values():
            self.runner.report(violation)
        if self.stopped is not None:
            raise self.stopped

    def _one(self, case: Case) -> None:
        if self.stopped is not None:
            return
        key = repr((case.method, case.parameters, case.raw, case.with_token, case.again))
        if key not in self._answers:
            if self.found:
                self._since_broken += 1
                if self._since_broken > MAX_TO_SHRINK:
                    return
            self._answers[key] = self._made(case)
        violation = self._answers[key]
        if violation is not None:
            self.found[violation.statement] = violation
            if self._shrink:
                raise _kind(violation.statement)

    def _made(self, case: Case) -> Violation | None:
        try:
            return self.runner.make(case)
        except (BudgetSpent, TargetDown) as error:
            self.stopped = error
        except Unreachable:
            pass  # a longer answer than may be read, or a change that is not allowed
        return None


_KINDS: dict[str, type[Broken]] = {}


def _kind(statement: str) -> Broken:
    """Return an exception of the class that stands for ``statement``: Hypothesis tells by it."""
    kind = _KINDS.setdefault(statement, type(f"Broken {statement}", (Broken,), {}))
    return kind(statement)


def run_generated(
    session: Session, model: Model, *, profile: Profile, max_examples: int, number: int
) -> CaseRunner:
    """Make generated calls of show and list, and refused ones of resend and delete.

    Args:
        session: makes the calls.
        model: what there is; it is kept in step.
        profile: see ``profiles``.
        max_examples: how many calls of list, at most; on a mock of one's own it is ``_MANY`` times.
        number: the seed.

    Raises:
        BudgetSpent, TargetDown: see ``Session.send``.
    """
    runner = CaseRunner(session, Oracle(model), LAYER)
    times = examples(profile, max_examples)
    many = _MANY if session.target.own else 1
    parts: list[tuple[Callable[[Calls], SearchStrategy[Case]], int]] = [
        (Calls.lists, times * many), (Calls.shows, times * many // 2),
    ]  # fmt: skip
    if session.target.own:  # where one of these is served against the documents, nobody is harmed
        few = times // 2
        parts += [(lambda c: c.refused("resend"), few), (lambda c: c.refused("delete"), few)]
    for part, count in parts:
        calls = Calls(model, session.release, session.token)
        if not calls.records or count == 0:  # a few requests are left, and fewer for this part
            break
        StrategyRunner(runner, shrink=session.target.own).run(part(calls), profile, count, number)
    session.findings.events.update({f"{LAYER}: {key}": n for key, n in runner.events.items()})
    return runner
