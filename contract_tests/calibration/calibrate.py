"""Calibrate: from a run or a recording to a profile that the mock serves like the server."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import orjson

from crmcom_kit import __version__
from crmcom_kit.contract_tests.calibration.learned import Grade, Learned
from crmcom_kit.contract_tests.calibration.learning import Learning, Log, log_of
from crmcom_kit.contract_tests.calibration.pseudonyms import Pseudonyms, free_texts, with_texts
from crmcom_kit.contract_tests.calibration.record_forms import record_forms
from crmcom_kit.contract_tests.calibration.replaying import MockReplayer
from crmcom_kit.contract_tests.calibration.report import Comparisons, as_html
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.run.results import Results
from crmcom_kit.redaction import MASK, is_secret
from crmcom_kit.schemas.dialect import Dialect, dials
from crmcom_kit.schemas.dialect_file import toml_value, write_dialect
from crmcom_kit.schemas.profile import DIALECT, HEAD, WORLD, Profile, head_of

_TEXTS = ("message", "description")  # of a case


class NothingToLearn(Exception):
    """The run has seen no webhook request."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was learned of a server."""

    results: Results
    log: Log
    learned: Mapping[str, Learned]  # by dial
    is_cut_short: bool  # whether there was more to try
    untried_dials: Sequence[str]
    profile: Profile
    comparisons: Comparisons  # the server's responses with those of a mock that has the profile


def learn_profile(
    results: Results,
    recorded_results: Results | None = None,
    *,
    is_time_up: Callable[[], bool] = lambda: False,
    progress: Callable[[str], None] = lambda _: None,
) -> Calibration:
    """Return the calibration of the server of a run or a recording.

    Args:
        results: of the run or the recording.
        recorded_results: those of a recording made before, if there is one.
        is_time_up: is asked now and then; once it is, what was learned until then counts. It may
            raise KeyboardInterrupt.
        progress: gets a line on what is learned next.

    Raises:
        NothingToLearn: no webhook request was seen.
        KeyboardInterrupt: see ``is_time_up``.
    """
    if recorded_results is None:
        log = whole_log(results)
    else:
        offset = len(recorded_results.history)
        history = tuple(
            exchange.changed(number=exchange.number + offset) for exchange in results.history
        )
        log = whole_log(replace(results, history=history))
        log = replace(log, earlier=log_of(recorded_results))
        results = replace(results, history=(*recorded_results.history, *history))
    learning = Learning(log, is_time_up, progress)
    learning.learn()
    log = learning.log
    records = [record for part in log.parts for record in part.first_seen.values()]
    form_dials = {**record_forms(records, log.release), **_content_type(log)}
    learned = learning.learned | {
        dial: Learned([value], Grade.OBSERVED, "what responses show")
        for dial, value in form_dials.items()
    }
    unsettled = {dial: list(result.values) for dial, result in learned.items() if result.is_open}
    profile = Profile(
        log.release, _dialect_of(learned), log.world, unsettled, learning.effects,
        derived=frozenset(learning.derived_kinds), made=results.began,
    )  # fmt: skip
    progress("comparing the server with a mock that has the profile")
    profile, comparisons = _with_differences(log, profile)
    return Calibration(
        results, log, learned, learning.is_cut_short, learning.untried_dials, profile, comparisons
    )


def update_calibration(calibration: Calibration, before: Profile) -> tuple[Calibration, list[str]]:
    """Return a calibration with what only a profile from before knows, and what has changed since.

    What a read-only run does not see, such as the effects of a resend, stays as it was.
    """
    date = f" of {before.made}" if before.made else ""
    learned, changes = dict(calibration.learned), []
    for dial, value in before.dialect.items():
        result = calibration.learned.get(dial)
        if result is None or result.grade in (Grade.UNSETTLED, Grade.DERIVED):
            if dial in calibration.learned or dial in before.dialect.changes():
                learned[dial] = Learned([value], Grade.KEPT, f"from the profile{date}")
        elif (new_value := calibration.profile.dialect[dial]) != value:
            change = f"{toml_value(value)} -> {toml_value(new_value)}"
            changes.append(f"{dial}: {change} ({result.evidence})")
    new_effects, derived = calibration.profile.effects, calibration.profile.derived
    seen_effects = {kind: effects for kind, effects in new_effects.items() if kind not in derived}
    for kind, effects in seen_effects.items():
        old_effects = before.effects.get(kind, effects)
        changes += [
            f"effect of {kind} on {name}: changed"
            for name in {**old_effects, **effects} if old_effects.get(name) != effects.get(name)
        ]  # fmt: skip
    profile = replace(
        calibration.profile,
        dialect=_dialect_of(learned),
        unsettled={
            dial: fits
            for dial, fits in before.unsettled.items()
            if dial in learned
            and (dial not in calibration.learned or calibration.learned[dial].is_open)
        },
        effects={**new_effects, **before.effects, **seen_effects},
        derived=(before.derived | derived - before.effects.keys()) - seen_effects.keys(),
    )
    profile, comparisons = _with_differences(calibration.log, replace(profile, differs={}))
    return replace(calibration, learned=learned, profile=profile, comparisons=comparisons), changes


def _dialect_of(learned: Mapping[str, Learned]) -> Dialect:
    """Return the dialect that has the best value of each dial."""
    return Dialect("profile", {dial: result.values[0] for dial, result in learned.items()})


def _with_differences(log: Log, profile: Profile) -> tuple[Profile, Comparisons]:
    """Return a profile that says in what its mock differs from the server, and the comparison."""
    comparisons = compare(log, profile)
    profile = replace(profile, differs=comparisons.kinds)
    comparisons.excuse(profile.differs)
    return profile, comparisons


def whole_log(results: Results) -> Log:
    """Return the log of a run. Raises NothingToLearn: no whole webhook request was seen."""
    log = log_of(results)
    if not log.first_seen:
        msg = "no response shows a whole webhook request"
        raise NothingToLearn(msg)
    return log


def compare(log: Log, profile: Profile) -> Comparisons:
    """Have a mock with ``profile`` respond to all requests of a log, and compare the responses."""
    mock = MockReplayer(profile, log.login, log.began)
    comparison, comparisons = log.comparison(), Comparisons(profile.differs)
    for exchange in log.exchanges:
        differences = comparison.differences(exchange, mock.respond(exchange))
        comparisons.add(exchange, differences, log.release)
    return comparisons


def _content_type(log: Log) -> dict[str, str]:
    key = "envelope.content_type"
    content_types = {exchange.header("Content-Type") for exchange in log.exchanges if exchange.ok}
    value = content_types.pop() if len(content_types) == 1 else None
    return {key: value} if value is not None and dials()[key].accepts(value) else {}


# Writing it.


class ProfileFiles(NamedTuple):
    """The files of a profile, and what their reader must know."""

    texts: dict[str, str]  # by the file's name
    free_texts: int  # texts in which nobody looked for personal names


def profile_files(calibration: Calibration, *, keep_personal_data: bool) -> ProfileFiles:
    """Return the files of a profile."""
    redactor = ReportRedactor(
        calibration.results.target, calibration.results.history, hides_user=False
    )
    cases = calibration.profile.dialect["envelope.cases"]
    texts = [{name: case[name] for name in _TEXTS if name in case} for case in cases]
    content = [
        _without_secrets(value, redactor)
        for value in (*calibration.log.world, calibration.profile.effects, texts)
    ]
    if not keep_personal_data:
        content = Pseudonyms().replaced_everywhere(content)
    *world, effects, texts = content
    redacted_cases = [case | case_texts for case, case_texts in zip(cases, texts, strict=True)]
    calibration = _with_cases(calibration, redacted_cases)
    free_text_count = 0 if keep_personal_data else free_texts(content)
    facts = {**_facts(calibration), "free_texts": free_text_count}
    files = {
        HEAD: head_of(replace(calibration.profile, effects=effects)),
        DIALECT: write_dialect(
            calibration.profile.dialect,
            {dial: result.evidence for dial, result in calibration.learned.items()},
        ),
        WORLD: "".join(f"{orjson.dumps(entry).decode()}\n" for entry in world),
        "report.json": json.dumps(facts, indent=2) + "\n",
        "report.html": as_html(
            {**facts, "title": "Calibration"}, calibration.comparisons, calibration.results
        ),
    }
    return ProfileFiles(files, free_text_count)


def _with_cases(calibration: Calibration, cases: Sequence[Mapping[str, Any]]) -> Calibration:
    """Return a calibration with other cases."""
    dial, learned = "envelope.cases", dict(calibration.learned)
    if dial not in learned:
        return calibration
    learned[dial] = learned[dial]._replace(values=[cases])
    profile = replace(calibration.profile, dialect=_dialect_of(learned))
    return replace(calibration, learned=learned, profile=profile)


def _without_secrets(value: Any, redactor: ReportRedactor) -> Any:
    """Return a copy of a value without secrets and values of members with secret names."""

    def change(text: str, member: str) -> str:
        return MASK if is_secret(member) else redactor.text(text)

    return with_texts(value, change)


def _facts(calibration: Calibration) -> dict[str, Any]:
    """Return what was learned, without data of the server."""
    return {
        "crmcom_kit": __version__,
        "release": calibration.log.release.name,
        "requests": len(calibration.log.every_exchange),
        "settled": {
            dial: {"value": result.values[0], "evidence": result.evidence}
            for dial, result in calibration.learned.items()
            if not result.is_open
        },
        "unsettled": {
            dial: {"values": list(result.values), "evidence": result.evidence}
            for dial, result in calibration.learned.items()
            if result.is_open
        },
        "cut_short": calibration.is_cut_short,
        **calibration.comparisons.as_json(),
    }
