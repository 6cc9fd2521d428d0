"""Calibrate: from a run or a recording to a profile that the mock serves like the server.

The dials are learned from most of the exchanges. The others, which nothing was learned from, show
how alike server and mock respond.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crmcom_kit.contract_tests.calibration.following import MockFollower
from crmcom_kit.contract_tests.calibration.learning import Learned, Log, learn, log_of
from crmcom_kit.contract_tests.calibration.people import Pseudonyms, with_texts
from crmcom_kit.contract_tests.calibration.record_forms import record_forms
from crmcom_kit.contract_tests.calibration.report import (
    Comparisons,
    as_html,
    as_json,
    is_documented,
)
from crmcom_kit.contract_tests.client.calls import changing_method
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import counted
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.redaction import MASK, is_secret
from crmcom_kit.schemas.dialect import Dialect, dials
from crmcom_kit.schemas.dialect_file import toml_value, write_dialect
from crmcom_kit.schemas.profile import DIALECT, HEAD, WORLD, Profile, head_of

#: Of requests that are alike, each of this number is held out: nothing is learned from it.
HELD_OUT = 5
_URL = re.compile(r"[\w+.-]+://[^\s\"'<>]+")
#: A value in its query: receivers have keys there, by any name.
_IN_QUERY = re.compile("(?<=[?&;])([^=&;#]*=)[^&;#]+")


class NothingToLearn(Exception):
    """The run has seen no webhook request."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was learned of a server."""

    results: Results
    log: Log
    learned: Learned
    profile: Profile
    evidence: Mapping[str, str]  # dial -> what has settled it, or why it is left open
    compared: Comparisons  # with requests that nothing was learned from


def calibrated(
    results: Results,
    earlier: Results | None = None,
    *,
    check: Callable[[], None] = lambda: None,
    is_time_up: Callable[[], bool] = lambda: False,
) -> Calibration:
    """Return what a run or a recording tells of its server.

    Args:
        results: of the run or the recording.
        earlier: of a recording made before, if there is one.
        check: is called now and then; it raises KeyboardInterrupt to stop.
        is_time_up: is asked now and then; if it is, what was learned until then counts.

    Raises:
        NothingToLearn: no webhook request was seen.
        KeyboardInterrupt: see ``check``.
    """
    log = whole_log(results)
    if earlier is not None:
        for each in results.history:
            each.number += len(earlier.history)
        results = replace(results, history=(*earlier.history, *results.history))
        log = replace(log, earlier=log_of(earlier))
    log = replace(log, check=check, is_time_up=is_time_up)
    held_out = list(_held_out(log))
    learned = learn(replace(log, held_out=frozenset(each.number for each in held_out)))
    originals = [each for part in log.parts for each in part.original.values()]
    forms = record_forms(originals, log.release)
    content_type = _content_type(log)
    changes = {**learned.changes(), **forms, **content_type}
    profile = Profile(log.release, Dialect("profile", changes), log.world, learned.unsettled)
    evidence = dict(_evidence(log, learned))
    evidence |= dict.fromkeys((*forms, *content_type), "observed (what responses show)")
    compared = compare(log, profile, held_out)
    profile = replace(profile, differs=compare(log, profile, log.exchanges).kinds)
    return Calibration(results, log, learned, profile, evidence, compared)


def whole_log(results: Results) -> Log:
    """Return the log of a run. Raises NothingToLearn: no whole webhook request was seen."""
    log = log_of(results)
    if not log.original:
        raise NothingToLearn(results.trouble or "no response shows a whole webhook request")
    return log


def _held_out(log: Log) -> Iterator[Exchange]:
    """Yield each fifth of the documented requests with the same parameters and outcome."""
    counts: Counter[Any] = Counter()
    for each in log.exchanges:
        if not is_documented(each, log.release):
            continue  # there is one of each kind
        shape = each.call.method, frozenset(each.call.parameters), each.ok, str(each.code)
        counts[shape] += 1
        if counts[shape] % HELD_OUT == 0:
            yield each


def compare(log: Log, profile: Profile, compared: Sequence[Exchange]) -> Comparisons:
    """Have a mock with ``profile`` respond to the whole log, and compare some of its responses."""
    mock = MockFollower(profile, log.login, log.began)
    return compare_with(mock.respond, log, compared, profile.differs)


def compare_with(
    respond: Callable[[Exchange], Exchange | None],
    log: Log,
    compared: Sequence[Exchange],
    known: Mapping[str, Sequence[str]] | None = None,
) -> Comparisons:
    """Have another server respond to the whole log, and compare some of its responses.

    Args:
        respond: returns None for what may not be sent there.
        log: of the first server.
        compared: the exchanges that are compared.
        known: what calibrate has found to differ, by method.
    """
    comparison, found = log.comparison(), Comparisons(known or {})
    numbers = {each.number for each in compared}
    for exchange in log.exchanges:
        log.check()
        own = respond(exchange)
        if own is None:  # what it has changed is no longer alike
            is_change = changing_method(exchange.call) is not None
            changed = exchange.records if is_change else []
            comparison.unsteady |= {str(each.get("id")) for each in changed}
        elif exchange.number in numbers:
            found.add(exchange, comparison.differences(exchange, own), log.release)
    return found


def _content_type(log: Log) -> dict[str, str]:
    key = "envelope.content_type"
    seen = {each.header("Content-Type") for each in log.exchanges if each.ok}
    only = seen.pop() if len(seen) == 1 else None
    return {key: only} if only is not None and dials()[key].accepts(only) else {}


def _evidence(log: Log, learned: Learned) -> Iterator[tuple[str, str]]:
    """Yield each dial that the run tells of, with the request that settled it, or what is open."""
    by_number = {each.number: each for each in log.every_exchange}
    refusals = learned.refusals()
    for dial, each in learned.settled.items():
        if len(each.fits) > 1:
            why = "all responses fit" if each.is_tried else "not tried"
            yield dial, f"unsettled ({why}: {', '.join(map(toml_value, each.fits))})"
        elif each.number in by_number:
            call = by_number[each.number].call
            seen = f"request {each.number}, {call.verb} {call.method or 'another path'}"
            yield dial, f"observed ({seen})"
    for dial, found in refusals.items():
        counts = ", ".join(f"{toml_value(v)} {counted(n, 'time')}" for v, n in found.most_common())
        is_settled = len(found) == 1
        yield dial, f"observed ({counts})" if is_settled else f"unsettled (contradictory: {counts})"
    yield from ((f"errors.{kind}.message", "observed (refusals)") for kind in learned.texts)


# Writing it.


def files(made: Calibration, *, keep_personal_data: bool) -> dict[str, str]:
    """Return the texts of a profile's files by name. Raises ModuleNotFoundError without Faker."""
    redactor = ReportRedactor(made.results.target, made.results.history)
    world: list[Any] = [_without_secrets(each, redactor) for each in made.log.world]
    if not keep_personal_data:
        world = Pseudonyms().replaced_everywhere(world)
    facts = report_facts(made)
    return {
        HEAD: head_of(made.profile),
        DIALECT: write_dialect(made.profile.dialect, made.evidence),
        WORLD: "".join(f"{_line(each)}\n" for each in world),
        "report.json": as_json(facts),
        "report.html": as_html(
            {**facts, "title": "Calibration", "names": ("server", "mock")},
            made.compared,
            made.results,
        ),
    }


def _without_secrets(value: Any, redactor: ReportRedactor) -> Any:
    """Return a copy of a value without what is secret by its name, or known to be."""

    def change(text: str, member: str) -> str:
        if is_secret(member):
            return MASK
        return _URL.sub(lambda url: _IN_QUERY.sub(rf"\1{MASK}", url[0]), redactor.text(text))

    return with_texts(value, change)


def _line(entry: Mapping[str, Any]) -> str:
    import orjson

    return orjson.dumps(entry).decode()


def report_facts(made: Calibration) -> dict[str, Any]:
    """Return what was learned, without any data of the server."""
    dialect, unsettled = made.profile.dialect, made.profile.unsettled
    return {
        "release": made.log.release.name,
        "requests": len(made.log.every_exchange),
        "settled": {
            dial: {"value": dialect[dial], "evidence": evidence}
            for dial, evidence in made.evidence.items()
            # Texts may have data of the server.
            if dial not in unsettled and not dial.endswith(".message")
        },
        "unsettled": {
            dial: {"values": values, "evidence": made.evidence[dial]}
            for dial, values in unsettled.items()
        },
        "cut_short": made.learned.is_cut_short,
        **made.compared.as_json(),
    }
