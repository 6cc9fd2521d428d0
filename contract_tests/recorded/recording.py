"""Check a recording: the oracle observes traffic that somebody else has made; nothing is sent.

Requests that were under way together have no order, so that what one has changed is not held
against another. A suspicion makes its part of the belief unknown.
"""

import re
import time
from collections import ChainMap, Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from crmcom_kit.contract_tests.belief.belief import Belief, TokenState
from crmcom_kit.contract_tests.calibration.observations import kind_of, seen_in, spelling
from crmcom_kit.contract_tests.client.exchanges import Exchange, token_of
from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.findings import Findings, Verdict
from crmcom_kit.contract_tests.oracle.expectations import Must, refusals
from crmcom_kit.contract_tests.oracle.oracle import CHANGING, Observation, Oracle
from crmcom_kit.contract_tests.oracle.sense import Sense, read
from crmcom_kit.contract_tests.oracle.suspicions import (
    Again,
    Contradicted,
    Now,
    OnlyWithFields,
)
from crmcom_kit.contract_tests.recorded.hindsight import Case, Later
from crmcom_kit.contract_tests.recorded.reading import Recorded, Recording, RecordingError
from crmcom_kit.contract_tests.results import Results, statement_results
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.schemas.releases import Release

#: Why a statement has no verdict.
NOTHING_SHOWN = "no request in the recording tests it"

LOGINS = ("token", "web_api_key_token")
#: Times are rounded to milliseconds: two requests overlap only if it is by more than these seconds.
_ROUNDED = 0.002
#: A token that can be told from others. What stands for one that was removed has no digit, other
#: characters, or few of them.
_TOKEN = re.compile(r"(?=.*\d)[\w.+/=~-]{8,}", re.ASCII)
#: What stands for one in a recording that a run has written.
_VARIABLE = re.compile(r"\$CRMCOM_(OTHER_)?TOKEN(_\d+)?")


def run_recording(target: Target, config: RunConfig) -> Results:
    """Check the recording in ``config`` and return the results; nothing is sent."""
    assert config.recording is not None  # noqa: S101 - for the type checker
    began, recording = time.monotonic(), config.recording
    one = _Run(target.release, recording)
    findings, trouble = one.findings, None
    try:
        for each in recording.exchanges:
            config.stop.check()
            one.observe(each)
        for violation in one.oracle.service.conclude():
            findings.broke(violation)
        for choice in seen_in(one.history, target.release):
            findings.chose(*choice)
    except KeyboardInterrupt:
        trouble = "interrupted"
    found = statement_results(
        findings, target.release, config.deviations, config.only, unseen=NOTHING_SHOWN
    )
    if findings.crashes:
        trouble = f"an internal error of crmcom-kit: {'; '.join(findings.crashes)}"
    elif trouble is None and all(each.verdict is Verdict.NOT_EXERCISED for each in found):
        trouble = "no request in the recording tests any of the selected statements"
    warnings = [f"{len(one.history)} recorded exchanges were checked, and nothing was sent"]
    if recording.skipped:
        warnings.append(f"skipped entries: {recording.skipped}")
    return Results(
        target=target,
        options=config.options,
        command=config.command,
        seed=config.seed,
        began=recording.began,
        seconds=time.monotonic() - began,
        statements=found,
        history=tuple(one.history),
        findings=findings,
        trouble=trouble,
        unsteady=one.belief.unsteady,
        never_served=one.oracle.service.never_served(),
        warnings=tuple(warnings),
    )


def _shared_tokens(recording: Recording) -> frozenset[str]:
    """Return the tokens that several logins have returned: they may stand for different ones.

    Raises RecordingError if logins of several organisations were served: their webhook requests
    could not be told apart.
    """
    tokens: Counter[str] = Counter()
    organisations: set[str] = set()
    for each in recording.exchanges:
        exchange = each.exchange
        token = token_of(exchange) if exchange.call.method in LOGINS else None
        if token is not None:
            tokens[token] += 1
            organisations.add(str(exchange.call.parameters.get("organisation", "")))
    organisations.discard("")
    if len(organisations) > 1:
        names = ", ".join(sorted(organisations))
        msg = f"several organisations log in; record each of them separately: {names}"
        raise RecordingError(msg)
    return frozenset(token for token, count in tokens.items() if count > 1)


def without_order(exchanges: Sequence[Recorded]) -> set[int]:
    """Return the ids of those that were under way with one that may have changed something."""
    found: set[int] = set()
    active: list[Recorded] = []
    for each in exchanges:
        active = [other for other in active if other.end - _ROUNDED > each.start]
        for other in active:
            found |= {id(each)} if _changes(other) else set()
            found |= {id(other)} if _changes(each) else set()
        active.append(each)
    return found


def _changes(recorded: Recorded) -> bool:
    return recorded.exchange.call.method in (*CHANGING, "token_release")


def is_placeholder(token: str) -> bool:
    """Whether a text stands for a token that was removed from a recording, maybe for several."""
    return _TOKEN.fullmatch(token) is None or len(set(token)) == 1


class _Run:
    """Has the oracle observe each exchange of a recording, and settles what it suspects."""

    def __init__(self, release: Release, recording: Recording) -> None:
        self._release, self._shared = release, _shared_tokens(recording)
        self.findings = Findings()
        self.belief = Belief(release, knows_tokens=False)
        self.oracle = Oracle(self.belief)
        self.history: list[Exchange] = []
        self._later = Later()
        self._without_order = without_order(recording.exchanges)
        number = 0
        for each in recording.exchanges:
            exchange, sense = each.exchange, read(each.exchange.call, self._release)
            number = exchange.number or number
            if not each.missing and id(each) not in self._without_order:
                self._later.add(exchange, sense, sure_token=not self._is_unsure(sense.token))
            if sense.name in CHANGING and (exchange.ok or each.missing):
                self._later.add_change(sense, number)

    def observe(self, recorded: Recorded) -> None:
        """Observe one exchange."""
        exchange, sense = recorded.exchange, read(recorded.exchange.call, self._release)
        if recorded.missing:
            self._lose(exchange, sense)
            return
        self.history.append(exchange)
        self._know_token(exchange, sense)
        if id(recorded) in self._without_order:
            self._observe_alone(exchange, sense)
            return
        keys = [each["id"] for each in exchange.records if isinstance(each.get("id"), str)]
        before = {key: replace(self.belief.known[key]) for key in keys if key in self.belief.known}
        found = self.oracle.observe(exchange)
        self._note(found, exchange)
        was = ChainMap(before, self.belief.known)
        for suspicion in found.suspicions:
            self._settle(Case(suspicion, was, self._later))
        if sense.name == "list":  # nobody knows whether what a list lacks was there
            self.belief.revive([each for each in self.belief.killers.values() if each.rests_on])
        if sense.name == "token_release" and self._is_unsure(sense.token):
            self.belief.set_token(str(sense.token), TokenState.DOUBTFUL)

    def _note(self, found: Observation, exchange: Exchange) -> None:
        """Note what needs no confirmation."""
        for name, error in found.errors:
            self.findings.crash(f"the check {name}", error)
        held = [each for each in found.held if not self._rests_on_removed(each, exchange)]
        self.findings.hold_all(held, exchange)
        self._learn_spelling(exchange, found)

    # Suspicions.

    def _settle(self, case: Case) -> None:
        suspicion, confirmed = case.suspicion, case.confirmed()
        if confirmed is not None:
            hypothesis, by = confirmed
            violation = suspicion.violation(hypothesis)
            shown = {each.number: each for each in (*violation.exchanges, by)}
            if hypothesis.statement.startswith(CHANGING):  # what it rests on
                named = [e for e in self.belief.changes if suspicion.record in e.named]
                shown |= {each.exchange.number: each.exchange for each in named[-1:]}
            violation.exchanges = tuple(shown[number] for number in sorted(shown))
            if not self._rests_on_removed(violation.statement, case.exchange):
                self.findings.broke(violation)
        if not isinstance(suspicion.hypotheses[0].confirmation, Now | OnlyWithFields):
            self._doubt(case)

    def _doubt(self, case: Case) -> None:
        """Forget what a suspicion is about, unless it is seen again as it was known."""
        keys = {str(case.suspicion.record)}
        for each in case.suspicion.hypotheses:
            match each.confirmation:
                case Again(rests_on=found):
                    keys |= {*found}
                case Contradicted(needs=groups):
                    keys |= {*chain(*groups)}
        for key in keys & self.belief.records.keys():
            known = case.known(key)
            if known is not None and case.as_known(key):
                self.belief.known[key], self.belief.records[key] = known, known.record
            else:
                self.belief.lose(key)

    # Requests that were under way together.

    def _observe_alone(self, exchange: Exchange, sense: Sense) -> None:
        """Observe an exchange by itself, and forget what it may have changed."""
        found = Oracle(Belief(self._release, knows_tokens=False)).observe(exchange)
        self._note(found, exchange)
        for suspicion in found.suspicions:
            if isinstance(suspicion.hypotheses[-1].confirmation, Now):
                self._settle(Case(suspicion, {}, self._later))
        self._lose(exchange, sense)

    def _lose(self, exchange: Exchange, sense: Sense) -> None:
        """Forget what a request may have changed: nobody knows whether it did, or when."""
        if sense.name in CHANGING:
            self.oracle.lose(exchange.call)
        elif sense.name == "token_release" and isinstance(sense.token, str):
            self.belief.set_token(sense.token, TokenState.DOUBTFUL)

    # Tokens, and other secrets that may have been removed.

    def _know_token(self, exchange: Exchange, sense: Sense) -> None:
        """Take a token for valid if the request was served: so the response says itself."""
        token = sense.token
        is_doubtful = self.belief.token_state(token) is TokenState.DOUBTFUL
        if exchange.ok and isinstance(token, str) and is_doubtful:
            self.belief.set_token(token, TokenState.LIVE)

    def _is_unsure(self, token: object) -> bool:
        """Whether a token may stand for several ones, some of them valid and some not."""
        if not isinstance(token, str):
            return False
        is_odd = is_placeholder(token) and not _VARIABLE.fullmatch(token)
        return is_odd or token in self._shared

    def _rests_on_removed(self, statement: str, exchange: Exchange) -> bool:
        """Whether a verdict on a login rests on a secret that may have been removed."""
        if exchange.call.method not in LOGINS:
            return False
        is_jwt = statement.startswith("login.token.jwt")
        return statement == "parameters.mandatory" or (
            is_jwt and is_placeholder(token_of(exchange) or "")
        )

    def _learn_spelling(self, exchange: Exchange, found: Observation) -> None:
        """Learn how an error is spelled, if a request has only that one reason to be refused."""
        expected, sense = found.expected, found.expected.sense
        kind = kind_of(expected.statement)
        if expected.must is not Must.REFUSE or kind is None or self._is_unsure(sense.token):
            return
        reasons = refusals(exchange.call, sense, self.belief)
        if sense.is_clear and len(list(reasons)) <= 1:
            for choice in spelling(kind, exchange):
                self.findings.chose(*choice)
