"""What a run with few requests tries: the probes that tell most for what they cost."""

from collections.abc import Collection, Sequence

from crmcom_kit.contract_tests.probes.registry import Probe


def worthwhile(probes: Sequence[Probe], budget: int, statements: Collection[str]) -> list[Probe]:
    """Return the probes that a budget is best spent on, in the order in which they run.

    The probe with the most new statements for its cost comes first, and so on until the budget
    is spent. Probes of whether a method can be called at all are always among them: what the
    others find is to be blamed on the right statement. They count for no statement themselves,
    since they tell of one only where it is broken.

    Args:
        probes: all that may run, in their order.
        budget: requests that may be made.
        statements: the ids of those in force.
    """
    chosen = [each for each in probes if _finds_causes(each)]
    left = budget - sum(each.cost for each in chosen)
    others = [each for each in probes if not _finds_causes(each)]
    open_ones = set(statements) & {name for each in others for name in each.statements}
    while others and open_ones:
        best = max(others, key=lambda each: _worth(each, open_ones))
        if _worth(best, open_ones) == 0:
            break
        others.remove(best)
        if best.cost <= left:
            chosen.append(best)
            left -= best.cost
            open_ones -= set(best.statements)
    return [each for each in probes if each in chosen]


def _finds_causes(probe: Probe) -> bool:
    return probe.run.__module__.endswith(".reaching")


def _worth(probe: Probe, open_ones: Collection[str]) -> float:
    """Return how many statements a request tells of; what costs nothing is worth most."""
    return sum(name in open_ones for name in probe.statements) / max(probe.cost, 0.1)
