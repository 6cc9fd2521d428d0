"""The budget of a run with few requests: choose the probes that tell the most for their cost."""

from collections.abc import Callable, Iterable, Sequence

from crmcom_kit.contract_tests.probes.registry import Probe

#: What one more look at a statement is worth, as a part of what the look before it was worth.
_AGAIN = 0.1

#: Further looks at a statement are worth as little as this one.
_MAX_LOOKS = 6


class Budget:
    """Chooses probes by what the run knows already, whichever request has shown it."""

    def __init__(self, statements: Iterable[str], looks: Callable[[str], int]) -> None:
        """Begin with nothing known.

        Args:
            statements: the ids of those that the run is about, and that a client can check.
            looks: returns how many responses have told of a statement so far.
        """
        self._statements = frozenset(statements)
        self._looks = looks
        self._probed: dict[str, int] = {}  # how many probes have run, by statement

    def know(self, probe: Probe) -> None:
        """Note that a probe has run: what it tells of is worth less from here on."""
        for name in probe.statements:
            self._probed[name] = self._probed.get(name, 0) + 1

    def worthwhile(self, probes: Sequence[Probe], budget: int) -> list[Probe]:
        """Return the probes that a budget is best spent on, in the order in which they run.

        The probe that tells most for its cost comes first, and so on until the budget is spent: a
        first look at one statement is worth more than many further ones at others.
        Probes of whether a method can be called at all are always among them: what the others
        find is to be blamed on the right statement. They count for no statement themselves,
        since they tell of one only where it is broken.

        Args:
            probes: all that may run, in their order.
            budget: requests that may be made.
        """
        free = [each for each in probes if each.finds_causes or not each.cost]
        left = budget - sum(each.cost for each in free)
        worth = {name: self._worth(name) for name in self._statements}
        others = [each for each in probes if each not in free]
        chosen = set(free)
        while others:
            best = max(others, key=lambda each: sum(_worths(worth, each)) / each.cost)
            others.remove(best)
            if best.cost <= left and any(_worths(worth, best)):
                chosen.add(best)
                left -= best.cost
                worth |= {name: worth[name] * _AGAIN for name in best.statements if name in worth}
        return [each for each in probes if each in chosen]

    def _worth(self, statement: str) -> float:
        looks = max(self._looks(statement), self._probed.get(statement, 0))
        return float(_AGAIN ** min(looks, _MAX_LOOKS))


def _worths(worth: dict[str, float], probe: Probe) -> list[float]:
    return [worth.get(name, 0) for name in probe.statements]
