"""Find the facts that explain why samples have different outcomes.

A fact is a member of a webhook request, or a method. Samples are split by a fact if that explains
more of them than it costs.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: One contradicted sample counts as much as so many that are explained.
OUTWEIGHS = 5
Facts = Mapping[str, str]
_MAX_FACTS = 3  # that one case depends on


@dataclass(frozen=True, slots=True)
class Outcome:
    """An explanation of samples: a value for all, or a usual value and cases by a fact."""

    value: Any
    misfits: int = 0  # number of samples that it does not explain
    fact: str = ""  # that decides which case a sample is
    cases: Mapping[str, "Outcome"] = field(default_factory=dict)  # by the value of the fact
    usual: "Outcome | None" = None  # for all other values

    @property
    def case_count(self) -> int:
        """The number of cases, including cases of cases."""
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
    """Return the best explanation of samples.

    Args:
        samples: the samples, each with its facts. Of equally good facts, the first one is taken. A
            fact that a sample does not have is "".
        explain: returns the best explanation of samples without cases.
        weight: the cost of a sample that is not explained. A case costs 1, so a case for a single
            sample needs a weight of more than 1.
        depth: the maximum number of facts that one case depends on.
    """
    tree = explain([sample for _, sample in samples])
    for fact in samples[0][0] if depth and tree.misfits else ():
        groups = defaultdict[str, list[tuple[Facts, Any]]](list)
        for facts, sample in samples:
            groups[facts.get(fact, "")].append((facts, sample))
        if len(groups) > 1:
            parts = {
                value: best_tree(group, explain, weight=weight, depth=depth - 1)
                for value, group in groups.items()
            }
            outcomes = (tree, *_split(fact, groups, parts))
            tree = min(outcomes, key=lambda outcome: weight * outcome.misfits + outcome.case_count)
    return tree


def _split(fact: str, groups: Mapping[str, Samples], parts: Mapping[str, Outcome]) -> list[Outcome]:
    """Return the explanation of all groups by the explanation of each, in an array.

    The explanation of most samples is the usual one. Return nothing if samples without the fact are
    not usual: no case could name them.
    """
    sizes = {
        value: sum(len(groups[name]) for name, part in parts.items() if _is_same(part, usual_part))
        for value, usual_part in parts.items()
    }
    usual = max(sizes, key=lambda value: (sizes[value], value == "", not parts[value].fact))
    if "" in parts and not _is_same(parts[""], parts[usual]):
        return []
    cases = {value: part for value, part in parts.items() if not _is_same(part, parts[usual])}
    misfits = sum(part.misfits for part in parts.values())
    return [Outcome(parts[usual].value, misfits, fact, cases, parts[usual])]


def _is_same(first: Outcome, second: Outcome) -> bool:
    if first.fact or second.fact:
        return first is second
    return bool(first.value == second.value and type(first.value) is type(second.value))


def cases_of(outcome: Outcome) -> Iterator[tuple[dict[str, str], Outcome]]:
    """Yield the cases of an explanation, each with its facts; cases of cases come first."""
    for value, case in outcome.cases.items():
        facts = {outcome.fact: value}
        for more_facts, inner_case in cases_of(case):
            yield facts | more_facts, inner_case
        yield facts, case
    if outcome.usual is not None:
        yield from cases_of(outcome.usual)
