"""One run of the state machine: what its sequences share, and what they found.

Where a sequence breaks something on a mock of one's own, it is cut down to the calls that show it.
"""

from typing import Any

from crmcom_kit.contract_tests.client.http import BudgetSpent, TargetDown
from crmcom_kit.contract_tests.findings import Unreachable, Violation
from crmcom_kit.contract_tests.login import ask_for_token, token_of
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful import minimizing
from crmcom_kit.contract_tests.stateful.case_runner import CaseRunner
from crmcom_kit.contract_tests.stateful.cases import Case
from crmcom_kit.contract_tests.stateful.model import Model
from crmcom_kit.contract_tests.stateful.oracle import Oracle

LAYER = "machine"


class StatefulRun:
    """What all sequences of one run share: the session, the start, and what was found."""

    def __init__(
        self, session: Session, model: Model, interpretations: Oracle, *, fresh: bool
    ) -> None:
        """Run on ``session``'s target from what ``model`` knows; ``fresh``: anew each time."""
        self.session, self.start, self.fresh = session, model, fresh
        self.runner = CaseRunner(session, _oracle(model, interpretations), LAYER)
        self.stopped: Exception | None = None
        self.over = False  # this sequence: something broke, and model and target may differ

    def begin(self) -> None:
        """Start a sequence."""
        self.over = self.stopped is not None
        if self.over or not self.fresh:
            return
        begin_anew(self.session)
        self.runner.oracle = _oracle(self.start.copy(), self.runner.oracle)
        self.runner.trace = []

    def make(self, case: Case) -> None:
        """Make one call of the sequence, unless it is over."""
        if self.over:
            return
        try:
            violation = self.runner.make(case)
        except (BudgetSpent, TargetDown) as error:
            self.stopped, self.over = error, True
            return
        except Unreachable:
            return
        if violation is not None:
            self.over = True
            self._found(violation)

    def _found(self, violation: Violation) -> None:
        if not self.runner.is_reported(violation.statement):
            model = self.runner.oracle.model
            breaks = self._again(violation.statement) if self.fresh else None
            violation.witness = minimizing.cut(self.runner.trace, violation, model, breaks)
            self.runner.report(violation)

    def _again(self, statement: str) -> minimizing.Breaks:
        """Return what tries a sequence on a fresh mock, without a trace in the run."""
        from crmcom_kit.contract_tests.client.http import Client, Limits

        def breaks(cases: Any) -> bool:
            client = Client(self.session.target, Limits())
            session = Session(client, allowed=self.session.allowed)
            session.stop = self.session.stop
            begin_anew(session)
            runner = CaseRunner(session, _oracle(self.start.copy(), self.runner.oracle), LAYER)
            for case in cases[:-1]:
                runner.make(case)
            violation = (
                runner.make(cases[-1]) if runner.oracle.model.holds(cases[-1].premise) else None
            )
            client.close()
            return violation is not None and violation.statement == statement

        return breaks


def _oracle(model: Model, before: Oracle) -> Oracle:
    """Return an oracle of a new sequence, which keeps what is known of how filters are read."""
    oracle = Oracle(model)
    oracle.interpretations, oracle.doubt = before.interpretations, before.doubt
    return oracle


def begin_anew(session: Session) -> None:
    """Put a fresh mock in the place of the kit's own one, and log in to it."""
    if session.target.renew is not None:
        session.target.renew()
    session.memory.clear()
    token = token_of(ask_for_token(session))
    session.token = token if token is not None else session.token
