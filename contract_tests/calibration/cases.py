"""What tells samples apart that have different outcomes: a member, a method, a way of being wrong.

One learner for all: it splits samples by a fact, as a decision tree does, if that explains more of
them than it costs.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Facts = Mapping[str, str]
_MAX_FACTS = 3  # that one sample is told apart by


@dataclass(frozen=True, slots=True)
class Outcome:
    """What explains samples, and how many it does not explain."""

    value: Any
    wrong: int = 0

    @property
    def cost(self) -> float:
        """What is compared with other explanations."""
        return self.wrong


@dataclass(frozen=True, slots=True)
class Split:
    """Explanations by the value of a fact; ``usual`` counts for all other values."""

    fact: str
    cases: Mapping[str, "Outcome | Split"]
    usual: "Outcome | Split"
    case_cost: float

    @property
    def parts(self) -> "list[Outcome | Split]":
        """All explanations."""
        return [*self.cases.values(), self.usual]

    @property
    def wrong(self) -> int:
        """How many samples are not explained."""
        return sum(part.wrong for part in self.parts)

    @property
    def cost(self) -> float:
        """How many are not explained, and what the cases cost."""
        return sum(part.cost for part in self.parts) + self.case_cost * len(self.cases)


Samples = Sequence[tuple[Facts, Any]]


def explained(
    samples: Samples,
    explain: Callable[[Sequence[Any]], Outcome],
    case_cost: float = 1,
    depth: int = _MAX_FACTS,
) -> Outcome | Split:
    """Return what explains samples best.

    Args:
        samples: each with its facts; a fact that is "" tells nothing. Facts that come first are
            preferred.
        explain: returns what explains some samples together.
        case_cost: so many samples more a case must explain. With less than 1, one is enough.
        depth: the number of facts that a sample may be told apart by.
    """
    best: Outcome | Split = explain([sample for _, sample in samples])
    for fact in samples[0][0] if depth and best.wrong else ():
        groups = defaultdict[str, list[tuple[Facts, Any]]](list)
        for facts, sample in samples:
            groups[facts.get(fact, "")].append((facts, sample))
        if len(groups) > 1 and len(groups) * case_cost * 2 <= len(samples):
            split = _split(fact, groups, explain, case_cost, depth - 1)
            best = min((best, *split), key=lambda explanation: explanation.cost)
    return best


def _split(
    fact: str,
    groups: Mapping[str, Samples],
    explain: Callable[[Sequence[Any]], Outcome],
    case_cost: float,
    depth: int,
) -> list[Split]:
    """Return the explanations of groups; what explains most samples is the usual one.

    There is none if samples without the fact are not among those: no case can tell them.
    """
    parts = {value: explained(group, explain, case_cost, depth) for value, group in groups.items()}
    sizes = {
        value: sum(len(groups[other]) for other, part in parts.items() if _is_same(part, own))
        for value, own in parts.items()
    }
    usual = max(
        sizes, key=lambda value: (sizes[value], value == "", isinstance(parts[value], Outcome))
    )
    if "" in parts and not _is_same(parts[""], parts[usual]):
        return []
    alike = [part for part in parts.values() if _is_same(part, parts[usual])]
    cases = {value: part for value, part in parts.items() if not _is_same(part, parts[usual])}
    as_usual = parts[usual]
    if isinstance(as_usual, Outcome):
        as_usual = Outcome(as_usual.value, sum(part.wrong for part in alike))
    return [Split(fact, cases, as_usual, case_cost)]


def _is_same(first: Outcome | Split, second: Outcome | Split) -> bool:
    if isinstance(first, Outcome) and isinstance(second, Outcome):
        return bool(first.value == second.value and type(first.value) is type(second.value))
    return first is second


def cases_of(explanation: Outcome | Split) -> Iterator[tuple[dict[str, str], Outcome]]:
    """Yield the outcomes that are not usual, with the facts of each; special ones come first."""
    if isinstance(explanation, Outcome):
        return
    for value, part in explanation.cases.items():
        own = {explanation.fact: value}
        for facts, outcome in cases_of(part):
            yield own | facts, outcome
        yield own, usual_of(part)
    yield from cases_of(explanation.usual)


def usual_of(explanation: Outcome | Split) -> Outcome:
    """Return the outcome if no other one counts."""
    return explanation if isinstance(explanation, Outcome) else usual_of(explanation.usual)
