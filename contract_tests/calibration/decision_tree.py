"""What tells samples apart that have different outcomes: a member, a method, a way of being wrong.

One learner for all: it splits samples by a fact, as a decision tree does, if that explains more of
them than it costs.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: What is learned must explain more than this many times as many samples as it contradicts.
OUTWEIGHS = 5
Facts = Mapping[str, str]
_MAX_FACTS = 3  # that one sample is told apart by


@dataclass(frozen=True, slots=True)
class Outcome:
    """What explains samples: a value for all, or the usual one and others by a fact."""

    value: Any
    wrong: int = 0  # how many samples are not explained
    fact: str = ""  # what tells cases apart
    cases: Mapping[str, "Outcome"] = field(default_factory=dict)  # by the value of the fact
    usual: "Outcome | None" = None  # for all other values

    @property
    def case_count(self) -> int:
        """The number of cases, those of cases included."""
        usual = 0 if self.usual is None else self.usual.case_count
        return usual + sum(1 + case.case_count for case in self.cases.values())


Samples = Sequence[tuple[Facts, Any]]


def best_tree(
    samples: Samples,
    explain: Callable[[Sequence[Any]], Outcome],
    *,
    weight: int = 1,
    depth: int = _MAX_FACTS,
) -> Outcome:
    """Return what explains samples best.

    Args:
        samples: each with its facts; a fact that is "" tells nothing. Facts that come first are
            preferred.
        explain: returns what explains some samples together.
        weight: of a sample that is not explained. A case costs 1, so with more than 1, a case may
            explain a single sample.
        depth: the number of facts that a sample may be told apart by.
    """
    best = explain([sample for _, sample in samples])
    for fact in samples[0][0] if depth and best.wrong else ():
        groups = defaultdict[str, list[tuple[Facts, Any]]](list)
        for facts, sample in samples:
            groups[facts.get(fact, "")].append((facts, sample))
        if len(groups) > 1:
            parts = {
                value: best_tree(group, explain, weight=weight, depth=depth - 1)
                for value, group in groups.items()
            }
            split = _split(fact, groups, parts)
            best = min((best, *split), key=lambda tree: weight * tree.wrong + tree.case_count)
    return best


def _split(fact: str, groups: Mapping[str, Samples], parts: Mapping[str, Outcome]) -> list[Outcome]:
    """Return the explanation of groups by their own; what explains most samples is the usual one.

    There is none if samples without the fact are not among those: no case can tell them.
    """
    sizes = {
        value: sum(len(groups[other]) for other, part in parts.items() if _is_same(part, own))
        for value, own in parts.items()
    }
    usual = max(sizes, key=lambda value: (sizes[value], value == "", not parts[value].fact))
    if "" in parts and not _is_same(parts[""], parts[usual]):
        return []
    cases = {value: part for value, part in parts.items() if not _is_same(part, parts[usual])}
    wrong = sum(part.wrong for part in parts.values())
    return [Outcome(parts[usual].value, wrong, fact, cases, parts[usual])]


def _is_same(first: Outcome, second: Outcome) -> bool:
    if first.fact or second.fact:
        return first is second
    return bool(first.value == second.value and type(first.value) is type(second.value))


def cases_of(outcome: Outcome) -> Iterator[tuple[dict[str, str], Outcome]]:
    """Yield the outcomes that are not usual, with the facts of each; special ones come first."""
    for value, case in outcome.cases.items():
        own = {outcome.fact: value}
        for facts, special in cases_of(case):
            yield own | facts, special
        yield own, case
    if outcome.usual is not None:
        yield from cases_of(outcome.usual)
