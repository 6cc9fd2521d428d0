"""One run of the state machine: what its sequences share, and what they found.

Where a sequence breaks something on a mock of one's own, it is cut down to the calls that show it.
"""

from typing import Any

from crmcom_kit.contract_tests.client.http import BudgetSpent, TargetDown
from crmcom_kit.contract_tests.client.login import ask_for_token, token_of
from crmcom_kit.contract_tests.findings import Unreachable, Violation
from crmcom_kit.contract_tests.session import Kit
from crmcom_kit.contract_tests.stateful import minimizing
from crmcom_kit.contract_tests.stateful.case_runner import Hands
from crmcom_kit.contract_tests.stateful.cases import Case
from crmcom_kit.contract_tests.stateful.model import Model
from crmcom_kit.contract_tests.stateful.oracle import Oracle

LAYER = "machine"


class Play:
    """What all sequences of one run share: the kit, the start, and what was found."""

    def __init__(self, kit: Kit, model: Model, readings: Oracle, *, fresh: bool) -> None:
        """Play on ``kit``'s target from what ``model`` knows; ``fresh``: anew each time."""
        self.kit, self.start, self.fresh = kit, model, fresh
        self.hands = Hands(kit, _oracle(model, readings), LAYER)
        self.stopped: Exception | None = None
        self.over = False  # this sequence: something broke, and model and target may differ

    def begin(self) -> None:
        """Start a sequence."""
        self.over = self.stopped is not None
        if self.over or not self.fresh:
            return
        begin_anew(self.kit)
        self.hands.oracle = _oracle(self.start.copy(), self.hands.oracle)
        self.hands.trace = []

    def make(self, case: Case) -> None:
        """Make one call of the sequence, unless it is over."""
        if self.over:
            return
        try:
            violation = self.hands.make(case)
        except (BudgetSpent, TargetDown) as error:
            self.stopped, self.over = error, True
            return
        except Unreachable:
            return
        if violation is not None:
            self.over = True
            self._found(violation)

    def _found(self, violation: Violation) -> None:
        if not self.hands.is_told(violation.statement):
            model = self.hands.oracle.model
            breaks = self._again(violation.statement) if self.fresh else None
            violation.witness = minimizing.cut(self.hands.trace, violation, model, breaks)
            self.hands.tell(violation)

    def _again(self, statement: str) -> minimizing.Breaks:
        """Return what tries a sequence on a fresh mock, without a trace in the run."""
        from crmcom_kit.contract_tests.client.http import Client, Limits

        def breaks(cases: Any) -> bool:
            client = Client(self.kit.target, Limits())
            kit = Kit(client, allowed=self.kit.allowed)
            kit.stop = self.kit.stop
            begin_anew(kit)
            hands = Hands(kit, _oracle(self.start.copy(), self.hands.oracle), LAYER)
            for case in cases[:-1]:
                hands.make(case)
            told = hands.make(cases[-1]) if hands.oracle.model.holds(cases[-1].premise) else None
            client.close()
            return told is not None and told.statement == statement

        return breaks


def _oracle(model: Model, before: Oracle) -> Oracle:
    """Return an oracle of a new sequence, which keeps what is known of how filters are read."""
    oracle = Oracle(model)
    oracle.readings, oracle.doubt = before.readings, before.doubt
    return oracle


def begin_anew(kit: Kit) -> None:
    """Put a fresh mock in the place of the kit's own one, and log in to it."""
    if kit.target.renew is not None:
        kit.target.renew()
    kit.memory.clear()
    token = token_of(ask_for_token(kit))
    kit.token = token if token is not None else kit.token
