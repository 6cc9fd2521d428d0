"""The oracle for list: which webhook requests it returns, how many, and each once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crmcom_kit.contract_tests.checks.interpretations import (
    SEMI_OPTIONAL,
    Interpretation,
    Interpretations,
    Span,
    dimensions,
    fits,
    selected,
)
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.safety.pool import Record
from crmcom_kit.contract_tests.stateful.cases import Case, Sense
from crmcom_kit.contract_tests.stateful.model import Model, is_whole
from crmcom_kit.contract_tests.stateful.oracle_changes import agreeing

CheckResults = Iterator["str | Violation"]


def check_list(
    model: Model,
    interpretations: Interpretations,
    case: Case,
    exchange: Exchange,
    doubt: Violation | None,
) -> CheckResults:
    """Check the answer to a list that was served.

    Args:
        model: what there is.
        interpretations: those that are left.
        case: what was asked for.
        exchange: the answer.
        doubt: what an earlier answer breaks unless filters combine as "any".
    """
    sense = case.sense
    if sense is None or (exchange.data and not isinstance(exchange.data, list)):
        return
    records = exchange.records
    ids = [each["id"] for each in records if isinstance(each.get("id"), str)]
    back = next((each for each in ids if each in model.deleted), None)
    if back is not None:
        number = model.deleted[back].get("number", back)
        yield Violation(
            "delete.gone", exchange, expected=f"no webhook request {number}, it was deleted",
            seen=f"list returns {number}", record=back,
        )  # fmt: skip
        return
    if model.deleted:
        yield "delete.gone"
    for result in _contents(model, interpretations, case, exchange, ids):
        broken = isinstance(result, Violation) and _combines(sense)
        yield _once_more(doubt) if broken and doubt is not None else result
    yield from agreeing(model, "list", exchange, records)


def _contents(
    model: Model,
    interpretations: Interpretations,
    case: Case,
    exchange: Exchange,
    ids: Sequence[str],
) -> CheckResults:
    """Check which webhook requests were found, under every interpretation that is left."""
    assert case.sense is not None  # noqa: S101 - for the type checker
    problems = []
    for interpretation in interpretations.of_each_kind(case.sense.filters):
        problem = _problem(model, case, exchange, ids, interpretation)
        if problem is None:
            yield from (f"list.{name}.filter" for name in case.sense.filters)
            if len(ids) > 1:
                yield "list.several_results"
            if case.sense.limit is not None:
                yield "list.paging.number_of_results"
            return
        problems.append((interpretation.combine != "all", *problem))
    if problems:  # of the interpretations the plain one counts, unless it is ruled out already
        yield min(problems, key=lambda each: each[:2])[2]


def _once_more(violation: Violation) -> Violation:
    return Violation(
        violation.statement, *violation.exchanges, expected=violation.expected,
        seen=violation.seen, record=violation.record,
    )  # fmt: skip


def _combines(sense: Sense) -> bool:
    return "combine" in dimensions(sense.filters)


def doubted(
    model: Model, case: Case, exchange: Exchange, interpretation: Interpretation
) -> Violation | None:
    """Return what an answer breaks under one interpretation, or None."""
    ids = [each["id"] for each in exchange.records if isinstance(each.get("id"), str)]
    problem = _problem(model, case, exchange, ids, interpretation)
    return None if problem is None else problem[1]


def left(
    model: Model, interpretations: Interpretations, case: Case, exchange: Exchange
) -> Interpretations:
    """Return the interpretations that an answer leaves possible; all of them if it leaves none."""
    assert case.sense is not None  # noqa: S101 - for the type checker
    ids = [each["id"] for each in exchange.records if isinstance(each.get("id"), str)]
    matter = dimensions(case.sense.filters)
    if not matter or len(ids) != len(exchange.records):
        return interpretations
    kinds = interpretations.of_each_kind(case.sense.filters)
    if len(kinds) == 1:
        return interpretations
    good = {
        tuple(getattr(each, name) for name in matter)
        for each in kinds
        if _problem(model, case, exchange, ids, each) is None
    }
    if len(good) == len(kinds):
        return interpretations
    fine = (each for each in interpretations if tuple(getattr(each, n) for n in matter) in good)
    return Interpretations(fine) or interpretations


def _problem(
    model: Model, case: Case, exchange: Exchange, ids: Sequence[str], interpretation: Interpretation
) -> tuple[int, Violation] | None:
    """Return how far an answer is from ``interpretation``, and the violation; or None."""
    sense = case.sense
    assert sense is not None  # noqa: S101 - for the type checker
    settled = model.settled()
    span = selected(sense.filters, interpretation, settled, model.spans)
    wrong = []
    for record in exchange.records:
        name = _misfit(record, settled, sense, interpretation, span)
        if name is not None:
            wrong.append((name, record))
    if wrong:
        name, record = wrong[0]
        text = f"webhook requests that fit {name}={_text(sense.filters[name])}"
        return len(wrong), Violation(
            f"list.{name}.filter", exchange, expected=text,
            seen=f"{record.get('number', record.get('id'))} as well, which does not",
            record=record.get("id"),
        )  # fmt: skip
    if len(ids) != len(exchange.records):
        return None  # without ids no more can be said
    return _paged(model, sense, exchange, ids, span) or _missing(model, sense, exchange, ids, span)


def _misfit(
    record: Record,
    known: Mapping[str, Record],
    sense: Sense,
    interpretation: Interpretation,
    span: Span,
) -> str | None:
    """Return the filter that a returned webhook request does not fit, or None."""
    key = str(record.get("id"))
    before = known.get(key, {})
    own: Mapping[str, Any] = record
    if key in span.sure and before == record:
        return None
    if not is_whole(record):
        if key in span.possible:
            return None
        own = {**before, **record}
    fits_by_filter = {
        name: fits(own, name, wanted, interpretation) for name, wanted in sense.filters.items()
    }
    semi = [name for name in fits_by_filter if name in SEMI_OPTIONAL]
    for name, answer in fits_by_filter.items():
        if answer is False and (name not in semi or interpretation.combine == "all"):
            return name
    if semi and all(fits_by_filter[name] is False for name in semi):
        return semi[0]
    return None


def _paged(
    model: Model, sense: Sense, exchange: Exchange, ids: Sequence[str], span: Span
) -> tuple[int, Violation] | None:
    """Check how many webhook requests a page has."""
    if sense.limit is not None and len(ids) > sense.limit:
        return 1, Violation(
            "list.paging.number_of_results", exchange, expected=f"at most {sense.limit}",
            seen=str(len(ids)),
        )  # fmt: skip
    if not model.complete or not sense.offset:
        return None
    maximum = max(0, len(span.possible) - sense.offset)
    if len(ids) > maximum:
        return 1, Violation(
            "list.paging.offset", exchange,
            expected=f"at most {maximum}: {len(span.possible)} fit and {sense.offset} are skipped",
            seen=str(len(ids)),
        )  # fmt: skip
    return None


def _missing(
    model: Model, sense: Sense, exchange: Exchange, ids: Sequence[str], span: Span
) -> tuple[int, Violation] | None:
    """Check whether webhook requests that fit are missing."""
    lacking = sorted(span.sure - set(ids))
    wanted = max(0, len(span.sure) - sense.offset)
    if sense.limit is not None:
        wanted = min(wanted, sense.limit)
    if len(ids) >= wanted if sense.limit is not None or sense.offset else not lacking:
        return None
    if _capped(model, sense, len(ids)):
        return None
    if sense.limit is not None or sense.offset:
        statement = "list.paging.offset" if sense.offset else "list.paging.number_of_results"
        return 1, Violation(
            statement, exchange, expected=f"{wanted} or more of {len(span.sure)} that fit",
            seen=str(len(ids)),
        )  # fmt: skip
    names = list(sense.filters)
    statement = f"list.{names[0]}.filter" if len(names) == 1 else "list.several_results"
    number = model.records[lacking[0]].get("number", lacking[0])
    return len(lacking), Violation(
        statement, exchange,
        expected=f"all {len(span.sure)} webhook requests that fit, {number} among them",
        seen=f"{len(ids)}, {number} is missing", record=lacking[0],
    )  # fmt: skip


def _capped(model: Model, sense: Sense, count: int) -> bool:
    """Whether an answer may be short since no answer has more results than so many."""
    paged = sense.limit is not None
    if count == 0 or count < model.largest[paged]:
        return False
    return model.cap.get(paged, count) == count


def take_in(model: Model, interpretations: Interpretations, case: Case, exchange: Exchange) -> None:
    """Note how many results answers have at most."""
    sense = case.sense
    assert sense is not None  # noqa: S101 - for the type checker
    count, paged = len(exchange.records), sense.limit is not None
    ids = [each["id"] for each in exchange.records if isinstance(each.get("id"), str)]
    may_be_cap = paged not in model.cap and _capped(model, sense, count)
    if may_be_cap and len(ids) == count and not sense.offset:
        for interpretation in interpretations.of_each_kind(sense.filters):
            wanted = len(selected(sense.filters, interpretation, model.settled(), model.spans).sure)
            if sense.limit is not None:
                wanted = min(wanted, sense.limit)
            if count < wanted:
                model.cap[paged] = count
                break
    model.largest[paged] = max(model.largest[paged], count)


def _text(wanted: Any) -> str:
    return f"{wanted[0]}={wanted[1]}" if isinstance(wanted, tuple) else str(wanted)
