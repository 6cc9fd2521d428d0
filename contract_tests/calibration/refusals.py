"""How a server refuses: status, code and description, by kind of error and by case.

Most errors of a kind are refused in one way. Those that are not may have something in common that
the others lack, such as the method, or the way in which a value is wrong: that is a case.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.calibration.learned import Learned, of_counts
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.schemas.dial_tables import MAX_CASES, case_of
from crmcom_kit.schemas.dialect import dials, error_kinds

#: What a case may tell errors of a kind by; combinations of fewer facts come first.
_FACTS = ("seen", "method", "parameter")
_COMBINATIONS = [
    names for size in range(1, len(_FACTS) + 1) for names in combinations(_FACTS, size)
]


class Outcome(NamedTuple):
    """How an error is refused."""

    status: int
    code: Any
    description: str  # as the dial of a kind calls it


class Refusal(NamedTuple):
    """An error that a mock has a kind for, as the server refuses it."""

    facts: Mapping[str, str]  # what the dial errors.cases may tell it by
    outcome: Outcome


def outcome_of(exchange: Exchange, usual_description: str) -> Outcome:
    """Return how an exchange was refused."""
    text = exchange.envelope["status"].get("description")
    form = "null" if text is None else "empty" if text == "" else "detail"
    status, code = exchange.wording
    return Outcome(status, code, "usual" if form == usual_description else form)


def learned_refusals(refusals: Sequence[Refusal]) -> dict[str, Learned]:
    """Return what refusals tell of the dials of error kinds, and of errors.cases."""
    by_kind = defaultdict[str, list[Refusal]](list)
    for refusal in refusals:
        by_kind[refusal.facts["kind"]].append(refusal)
    learned: dict[str, Learned] = {}
    cases: list[dict[str, Any]] = []
    for kind, alike in by_kind.items():
        own = [*_cases(alike)]
        cases += own
        rest = [refusal.outcome for refusal in alike if not case_of(own, refusal.facts)]
        for part in Outcome._fields:
            dial = dials()[f"errors.{kind}.{part}"]
            values = Counter(getattr(outcome, part) for outcome in rest)
            accepted = Counter({value: n for value, n in values.items() if dial.accepts(value)})
            if accepted:
                learned[dial.key] = of_counts(accepted)
    if cases:
        of = sum(bool(case_of(cases, refusal.facts)) for refusal in refusals)
        learned["errors.cases"] = Learned(
            [cases[:MAX_CASES]], f"observed ({counted(of, 'refusal')})"
        )
    return learned | _derived(learned, by_kind)


def _cases(alike: Sequence[Refusal]) -> Iterator[dict[str, Any]]:
    """Yield the cases of one kind of error.

    Refusals with equal facts that differ tell nothing. Each case is as general as possible.
    """
    seen = defaultdict[tuple[str, ...], Counter[Outcome]](Counter)
    for facts, outcome in alike:
        seen[tuple(facts[name] for name in _FACTS)][outcome] += 1
    kind = alike[0].facts["kind"]
    usual = Counter(outcome for _, outcome in alike).most_common(1)[0][0]
    is_contradictory = any(len(outcomes) > 1 for outcomes in seen.values())
    needed = 2 if is_contradictory else 1
    unusual = {
        facts for facts, outcomes in seen.items()
        if [*outcomes] != [usual] and len(outcomes) == 1 and outcomes.total() >= needed
    }  # fmt: skip
    for names in _COMBINATIONS:
        at = [_FACTS.index(name) for name in names]
        for values in sorted({tuple(facts[n] for n in at) for facts in unusual}):
            group = {f: o for f, o in seen.items() if tuple(f[n] for n in at) == values}
            outcomes = {outcome for seen_outcomes in group.values() for outcome in seen_outcomes}
            case = {"kind": kind, **dict(zip(names, values, strict=True))}
            if len(outcomes) == 1 and all(values):
                case |= outcomes.pop()._asdict()
                if dials()["errors.cases"].accepts([case]):
                    unusual -= group.keys()
                    yield case


def _derived(seen: Mapping[str, Learned], kinds: Mapping[str, Any]) -> dict[str, Learned]:
    """Return how kinds that were not seen are refused: as their nearest neighbor that was."""
    learned = {}
    for kind, error in error_kinds().items():
        near = next((name for name in error["neighbors"] if name in kinds), None)
        if kind not in kinds and near is not None:
            for part in Outcome._fields:
                known = seen.get(f"errors.{near}.{part}")
                if known is not None:
                    why = f"derived (as {near}, its neighbor)"
                    learned[f"errors.{kind}.{part}"] = Learned(known.values[:1], why)
    return learned
