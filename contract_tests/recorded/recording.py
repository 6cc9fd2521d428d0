"""Check traffic that somebody else makes, recorded or going on: nothing is sent from here.

Requests that were under way together have no order, so that what one has changed is not held
against another. A suspicion makes its part of the belief unknown.
"""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from crmcom_kit.contract_tests.belief.belief import Belief, TokenState
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Exchange, token_of
from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.findings import Findings, Verdict
from crmcom_kit.contract_tests.oracle.oracle import CHANGING, Observation, Oracle
from crmcom_kit.contract_tests.oracle.sense import Sense, read
from crmcom_kit.contract_tests.oracle.suspicions import (
    Again,
    Contradicted,
    Now,
    Suspicion,
)
from crmcom_kit.contract_tests.recorded.hindsight import MAX_LOOKED_AT, Case, Later
from crmcom_kit.contract_tests.recorded.reading import Recorded, RecordingError
from crmcom_kit.contract_tests.results import Results, statement_results
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.schemas.releases import Release

#: Methods whose requests may change what others show, or how others are met.
WITH_EFFECT = (*CHANGING, "token_release")
#: So many suspicions about traffic that goes on are not settled at once; older ones are dropped.
MAX_UNSETTLED = 1_000
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
    one, alone, trouble = Observer(target.release), without_order(recording.exchanges), None
    for each in recording.exchanges:
        one.know_login(each.exchange)
    for each in recording.exchanges:
        one.foresee(each, alone=id(each) in alone)
    try:
        for each in recording.exchanges:
            config.stop.check()
            one.observe(each, alone=id(each) in alone)
    except KeyboardInterrupt:
        trouble = "interrupted"
    done = "checked" if config.is_check else "read"
    warnings = [f"{len(one.history)} recorded exchanges were {done}, and nothing was sent"]
    if recording.skipped:
        warnings.append(f"skipped entries: {recording.skipped}")
    config = replace(config, began=recording.began)
    seconds = time.monotonic() - began
    return one.results(target, config, seconds, "in the recording", trouble, warnings)


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
    return recorded.exchange.call.method in WITH_EFFECT


def is_placeholder(token: str) -> bool:
    """Whether a text stands for a token that was removed from a recording, maybe for several."""
    return _TOKEN.fullmatch(token) is None or len(set(token)) == 1


def _rests_on(suspicion: Suspicion) -> set[str]:
    """Return the ids of the webhook requests that a suspicion is about, or rests on."""
    keys = {str(suspicion.record)}
    for each in suspicion.hypotheses:
        match each.confirmation:
            case Again(rests_on=found) | Contradicted(rests_on=found):
                keys |= {*found}
    return keys


def _concerns(case: Case, shown: set[str]) -> bool:
    """Whether an exchange that shows some webhook requests may settle a suspicion."""
    return not case.exchange.ok or not shown.isdisjoint(_rests_on(case.suspicion))


class Observer:
    """Has the oracle observe the exchanges of one server, and settles what it suspects.

    Of a recording all is known ahead: ``foresee`` all exchanges, then ``observe`` each. Traffic
    that goes on is observed with ``follow``: a suspicion is settled once an exchange confirms it.
    """

    def __init__(self, release: Release, findings: Findings | None = None) -> None:
        """Know nothing of the server; what is found is added to ``findings``."""
        self._release = release
        self.findings = Findings() if findings is None else findings
        self.belief = Belief(release, knows_tokens=False)
        self.oracle = Oracle(self.belief)
        self.history: list[Exchange] = []
        self._organisations: set[str] = set()
        self._tokens: set[str] = set()  # that logins have returned
        self._shared: set[str] = set()  # that several have: they may stand for different ones
        self._later, self._last = Later(), 0
        self._unsettled: list[Case] = []

    def know_login(self, exchange: Exchange) -> None:
        """Take note of a login, before any exchange is observed that has its token.

        Raises RecordingError if logins of several organisations were served: their webhook
        requests could not be told apart.
        """
        token = token_of(exchange) if exchange.call.method in LOGINS else None
        if token is None:
            return
        (self._shared if token in self._tokens else self._tokens).add(token)
        self._organisations |= {str(exchange.call.parameters.get("organisation", ""))} - {""}
        if len(self._organisations) > 1:
            names = ", ".join(sorted(self._organisations))
            msg = f"several organisations log in; record each of them separately: {names}"
            raise RecordingError(msg)

    def foresee(self, recorded: Recorded, *, alone: bool) -> None:
        """Take note of an exchange, which may settle what is observed before it."""
        exchange, sense = recorded.exchange, read(recorded.exchange.call, self._release)
        self._last = exchange.number or self._last
        if not recorded.missing and not alone:
            self._later.add(exchange, sense, sure_token=not self._is_unsure(sense.token))
        if sense.name in CHANGING and (exchange.ok or recorded.missing):
            self._later.add_change(sense, self._last)

    def observe(self, recorded: Recorded, *, alone: bool, waits: bool = False) -> list[Case]:
        """Observe one exchange, and return what is suspect and not settled.

        Args:
            recorded: the exchange.
            alone: whether it is to be seen by itself: its place in the order is not known.
            waits: whether an exchange that is not known yet may settle what is suspect.
        """
        exchange, sense = recorded.exchange, read(recorded.exchange.call, self._release)
        if recorded.missing:
            self._lose(exchange, sense)
            return []
        self.history.append(exchange)
        self._know_token(exchange, sense)
        if alone:
            self._observe_alone(exchange, sense)
            return []
        keys = [each["id"] for each in exchange.records if isinstance(each.get("id"), str)]
        before = {key: replace(self.belief.known[key]) for key in keys if key in self.belief.known}
        found = self.oracle.observe(exchange)
        self._note(found, exchange)
        cases = []
        for suspicion in found.suspicions:
            known = self.belief.known
            named = {key: before.get(key) or known.get(key) for key in _rests_on(suspicion)}
            was = {key: replace(each) for key, each in named.items() if each is not None}
            case = Case(suspicion, was, self._later)
            cases += [] if self._settle(case, waits=waits) else [case]
        if sense.name == "list":  # nobody knows whether what a list lacks was there
            self.belief.revive(lambda kill: kill.rests_on is not None)
        if sense.name == "token_release" and self._is_unsure(sense.token):
            self.belief.set_token(str(sense.token), TokenState.DOUBTFUL)
        return cases

    def follow(self, recorded: Recorded, *, alone: bool) -> None:
        """Observe an exchange of traffic that goes on, and settle what it confirms.

        Raises RecordingError: see ``know_login``.
        """
        exchange = recorded.exchange
        exchange.number = 0 if recorded.missing else len(self.history) + 1
        self.know_login(exchange)
        self.foresee(recorded, alone=alone)
        found = self.observe(recorded, alone=alone, waits=True)
        shown = {str(each.get("id")) for each in exchange.records}
        oldest = len(self.history) - MAX_LOOKED_AT
        left = []
        for case in self._unsettled:
            is_over = case.exchange.number < oldest
            is_settled = (is_over or _concerns(case, shown)) and self._is_settled(case)
            left += [] if is_over or is_settled else [case]
        self._unsettled = [*left, *found][-MAX_UNSETTLED:]
        if not self._unsettled:
            self._later = Later()  # which tells of nothing that is over

    def results(
        self,
        target: Target,
        config: RunConfig,
        seconds: float,
        where: str,
        trouble: str | None,
        warnings: Iterable[str],
    ) -> Results:
        """Return what was found ``where``, in words."""
        findings, release = self.findings, target.release
        for case in self._unsettled:
            self._is_settled(case)
        for violation in self.oracle.service.conclude():
            findings.broke(violation)
        unseen = f"no request {where} tests it"
        found = statement_results(findings, release, config.deviations, config.only, unseen=unseen)
        if findings.crashes:
            trouble = f"an internal error of crmcom-kit: {'; '.join(findings.crashes)}"
        elif trouble is None and all(each.verdict is Verdict.NOT_EXERCISED for each in found):
            trouble = f"no request {where} tests any of the selected statements"
        return Results(
            target=target,
            command=config.command,
            seed=config.seed,
            began=config.began,
            seconds=seconds,
            statements=found,
            history=tuple(self.history),
            findings=findings,
            trouble=trouble,
            unsteady=self.belief.unsteady,
            never_served=self.oracle.service.never_served(),
            warnings=tuple(warnings),
        )

    def _note(self, found: Observation, exchange: Exchange) -> None:
        """Note what needs no confirmation."""
        for name, error in found.errors:
            self.findings.crash(f"the check {name}", error)
        held = [each for each in found.held if not self._rests_on_removed(each, exchange)]
        self.findings.hold_all(held, exchange)

    # Suspicions.

    def _settle(self, case: Case, *, waits: bool = False) -> bool:
        """Settle a suspicion that has just come up, as far as it can be; return whether it is.

        With ``waits`` only by its first hypothesis: that of another one may be confirmed later.
        """
        is_settled = self._is_settled(case, 1 if waits else None)
        if not isinstance(case.suspicion.hypotheses[0].confirmation, Now):
            self._doubt(case)
        return is_settled

    def _is_settled(self, case: Case, tried: int | None = None) -> bool:
        """Note the violation that a suspicion comes to, if an exchange confirms it."""
        suspicion, confirmed = case.suspicion, case.confirmed(tried)
        if confirmed is None:
            return False
        hypothesis, by = confirmed
        violation = suspicion.violation(hypothesis)
        shown = {each.number: each for each in (*violation.exchanges, by)}
        if hypothesis.statement.startswith(CHANGING):  # what it rests on
            named = [
                each.exchange
                for each in self.belief.changes
                if suspicion.record in each.named and each.exchange.number <= case.exchange.number
            ]
            shown |= {each.number: each for each in named[-1:]}
        violation.exchanges = tuple(shown[number] for number in sorted(shown))
        if not self._rests_on_removed(violation.statement, case.exchange):
            self.findings.broke(violation)
        return True

    def _doubt(self, case: Case) -> None:
        """Forget what a suspicion is about, unless it is seen again as it was known."""
        for key in _rests_on(case.suspicion) & self.belief.records.keys():
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
