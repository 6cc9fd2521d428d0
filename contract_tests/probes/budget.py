"""The budget of a run with few requests: choose the probes that tell the most for their cost."""

from collections.abc import Iterable, Sequence

from crmcom_kit.contract_tests.probes.registry import Probe

#: What a statement is worth once more, in another way, after a probe that tells of it.
_AGAIN = 0.1


class Budget:
    """Chooses probes, and remembers what the run knows already."""

    def __init__(self, statements: Iterable[str]) -> None:
        """Begin with nothing known of ``statements``, the ids of those that a client can check."""
        self._worth = dict.fromkeys(statements, 1.0)

    def know(self, probe: Probe) -> None:
        """Note that a probe has run: what it tells of is worth less from here on."""
        self._worth |= _after(self._worth, probe)

    def worthwhile(self, probes: Sequence[Probe], budget: int) -> list[Probe]:
        """Return the probes that a budget is best spent on, in the order in which they run.

        The probe that tells most for its cost comes first, and so on until the budget is spent.
        Probes of whether a method can be called at all are always among them: what the others
        find is to be blamed on the right statement. They count for no statement themselves,
        since they tell of one only where it is broken.

        Args:
            probes: all that may run, in their order.
            budget: requests that may be made.
        """
        free = [each for each in probes if each.finds_causes or not each.cost]
        left = budget - sum(each.cost for each in free)
        worth = dict(self._worth)
        others = [each for each in probes if each not in free]
        chosen = set(free)
        while others:
            best = max(others, key=lambda each: sum(_worths(worth, each)) / each.cost)
            others.remove(best)
            if best.cost <= left and any(_worths(worth, best)):
                chosen.add(best)
                left -= best.cost
                worth |= _after(worth, best)
        return [each for each in probes if each in chosen]


def _worths(worth: dict[str, float], probe: Probe) -> list[float]:
    return [worth.get(name, 0) for name in probe.statements]


def _after(worth: dict[str, float], probe: Probe) -> dict[str, float]:
    return {name: worth[name] * _AGAIN for name in probe.statements if name in worth}
