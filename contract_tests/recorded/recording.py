"""Check a recording: the oracle observes traffic that somebody else has made; nothing is sent.

Requests that were under way together have no order, so that what one has changed is not held
against another.
"""

import time
from collections import ChainMap, Counter, defaultdict
from dataclasses import replace
from itertools import chain

from crmcom_kit.contract_tests.belief.belief import Belief, TokenState
from crmcom_kit.contract_tests.calibration.observations import kind_of, seen_in, spelling
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.findings import Findings, Verdict, Violation
from crmcom_kit.contract_tests.oracle.expectations import Must, refusals
from crmcom_kit.contract_tests.oracle.oracle import Observation, Oracle
from crmcom_kit.contract_tests.oracle.sense import (
    Sense,
    basic_key,
    read,
)
from crmcom_kit.contract_tests.oracle.suspicions import (
    Again,
    Contradicted,
    Effect,
    Now,
    OnlyWithFields,
    Suspicion,
)
from crmcom_kit.contract_tests.recorded.contents import CHANGING, Entry, contents
from crmcom_kit.contract_tests.recorded.hindsight import Case
from crmcom_kit.contract_tests.recorded.later import Later
from crmcom_kit.contract_tests.recorded.reading import (
    HIDDEN_KEY,
    Recording,
    RecordingError,
)
from crmcom_kit.contract_tests.recorded.removed_secrets import (
    is_placeholder,
    may_be_shown,
    rests_on_removed,
    returned_tokens,
)
from crmcom_kit.contract_tests.results import Results, statement_results
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.redaction import secret_texts
from crmcom_kit.schemas.releases import Release

#: Why a statement has no verdict.
NOTHING_SHOWN = "no request in the recording tests it"

LOGINS = ("token", "web_api_key_token")


def run_recording(target: Target, config: RunConfig) -> Results:
    """Check the recording in ``config`` and return the results; nothing is sent."""
    assert config.recording is not None  # noqa: S101 - for the type checker
    began, recording = time.monotonic(), config.recording
    one = _Run(target.release, _shared_tokens(recording, target.release))
    findings, trouble = one.findings, None
    try:
        for content in contents(recording, target.release):
            one.start(content)
            for each in content:
                config.stop.check()
                one.observe(each)
            one.conclude()
        for violation in one.oracle.service.conclude():
            one.broke(violation)
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
    renewed = (each.exchange.number for each in recording.exchanges if each.anew and each.answered)
    return Results(
        target=replace(target, secrets=tuple(sorted(one.secrets))),
        options=config.options,
        command=config.command,
        seed=config.seed,
        began=recording.began,
        seconds=time.monotonic() - began,
        statements=found,
        history=tuple(one.history),
        renewed=frozenset(renewed),
        findings=findings,
        trouble=trouble,
        notes=tuple(one.belief.others.values()),
        never_served=one.oracle.service.never_served(),
        warnings=tuple(warnings),
    )


def _shared_tokens(recording: Recording, release: Release) -> frozenset[str]:
    """Return the tokens that several logins have returned: they may stand for different ones.

    Raises RecordingError if logins of several organisations were served: their webhook requests
    could not be told apart.
    """
    tokens: Counter[str] = Counter()
    organisations: set[str] = set()
    for exchange in recording.history:
        if exchange.call.method in LOGINS:
            tokens.update(returned_tokens(exchange))
            given = read(exchange.call, release).given.get("organisation")
            if exchange.ok and isinstance(given, str):
                organisations.add(given)
    if len(organisations) > 1:
        names = ", ".join(sorted(organisations))
        msg = f"several organisations log in; record each of them separately: {names}"
        raise RecordingError(msg)
    return frozenset(token for token, count in tokens.items() if count > 1)


class _Run:
    """Has the oracle observe each exchange of a recording, and settles what it suspects."""

    def __init__(self, release: Release, shared: frozenset[str]) -> None:
        self._release, self._shared = release, shared
        self.findings = Findings()
        self.belief = Belief(release, knows_tokens=False)
        self.oracle = Oracle(self.belief)
        self.history: list[Exchange] = []
        self.secrets: set[str] = set()
        self._later = Later({})
        #: What may be somebody else's doing, and which requests may have done it, by statement.
        self._coincidences: list[tuple[Suspicion, dict[str, Exchange]]] = []
        self._kept: dict[str, set[int]] = defaultdict(set)  # requests that kept it, by statement

    def start(self, content: list[Entry]) -> None:
        """Begin with what was recorded of one content of the server; logins stay known."""
        self.oracle.start()
        self._coincidences.clear()
        self._kept.clear()
        self._later = Later({e.exchange.number: e.recorded.start for e in content})
        number = 0
        for each in content:
            number = each.exchange.number or number
            if each.recorded.answered and not each.others:
                is_sure = not self._is_unsure(each.sense.token)
                self._later.add(each.exchange, each.sense, sure_token=is_sure)
            served = each.exchange.ok or not each.recorded.answered
            if each.sense.name in CHANGING and served:
                self._later.add_change(each.sense, number)

    def observe(self, entry: Entry) -> None:
        """Observe one exchange."""
        exchange, sense = entry.exchange, entry.sense
        if not entry.recorded.answered:
            self._lose(exchange.call, sense)
            return
        self.history.append(exchange)
        self._learn_secrets(exchange, sense)
        self._know_token(exchange, sense)
        if entry.others and not self._is_apart(entry):
            self._observe_alone(exchange, sense)
            return
        before = {
            key: replace(self.belief.known[key])
            for key in [each.get("id") for each in exchange.records]
            if isinstance(key, str) and key in self.belief.known
        }
        found = self.oracle.observe(exchange)
        self._note(found, exchange, sense)
        was = ChainMap(before, self.belief.known)
        if sense.name == "list":
            self._drop_unproved(Case(Suspicion(exchange, "", "", ()), was, self._later))
        for suspicion in found.suspicions:
            self._settle(Case(suspicion, was, self._later), sense)

    def conclude(self) -> None:
        """Find out what requests have changed that must not, since it comes with most of them.

        Once may be somebody else's doing, and so may all if others are known to be at work.
        """
        left = [] if self.belief.others else list(self._coincidences)
        while left:  # the statement that explains most of them, then what explains the rest
            counts = Counter(statement for _, causes in left for statement in causes)
            statement = max(counts, key=lambda each: counts[each])
            found = [each for each in left if statement in each[1]]
            left = [each for each in left if statement not in each[1]]
            requests = {causes[statement].number for _, causes in found}
            if len(requests) > max(1, len(self._kept[statement] - requests)):
                suspicion, causes = found[0]
                hypothesis = next(e for e in suspicion.hypotheses if e.statement == statement)
                violation = suspicion.violation(hypothesis)
                violation.exchanges = (causes[statement], *violation.exchanges)
                self.broke(violation)

    def broke(self, violation: Violation) -> None:
        """Note a violation."""
        violation.layer = "check"
        self.findings.broke(violation)

    def _note(self, found: Observation, exchange: Exchange, sense: Sense) -> None:
        """Note what needs no confirmation."""
        held = [each for each in found.held if not rests_on_removed(each, exchange, sense)]
        for name, error in found.errors:
            self.findings.crash(f"the check {name}", error)
        self.findings.hold_all(held, exchange)
        self._learn_spelling(exchange, found)
        last = self.belief.changes[-1].exchange if self.belief.changes else exchange
        if self._later.is_close(last, exchange):
            for statement in found.held:
                self._kept[statement].add(last.number)

    # Suspicions.

    def _settle(self, case: Case, sense: Sense) -> None:
        suspicion = case.suspicion
        for hypothesis in suspicion.hypotheses:
            confirming = case.confirming(hypothesis.confirmation)
            violation = suspicion.violation(hypothesis)
            if confirming is None or rests_on_removed(violation, case.exchange, sense):
                continue
            if confirming not in violation.exchanges:
                violation.exchanges = (*violation.exchanges, confirming)
            self.broke(violation)
            break
        else:
            self._leave_open(case)
        is_certain = isinstance(suspicion.hypotheses[0].confirmation, Now | OnlyWithFields)
        if not is_certain and not (sense.name == "delete" and case.exchange.ok):
            self._doubt(case)

    def _leave_open(self, case: Case) -> None:
        """Keep what somebody else may have done, and what a request may have."""
        suspicion, known = case.suspicion, case.known
        if known is None or not case.stands or case.as_known(known.id):
            return
        causes = {
            each.statement: each.confirmation.change
            for each in suspicion.hypotheses
            if isinstance(each.confirmation, Effect)
        }
        if any(self._later.is_close(known.seen, each, case.exchange) for each in causes.values()):
            self._coincidences.append((suspicion, causes))
        elif not causes and (case.seen is not None or not case.exchange.ok):
            what = "changed" if case.exchange.ok else "deleted"
            self.belief.others[known.id] = (
                f"number {known.number} was {what} by somebody else during the run"
            )

    def _doubt(self, case: Case) -> None:
        """Forget what a suspicion is about, unless it is seen again as it was known."""
        keys = {case.suspicion.record}
        for each in case.suspicion.hypotheses:
            match each.confirmation:
                case Again(rests_on=found):
                    keys |= {*found}
                case Contradicted(needs=groups):
                    keys |= {*chain(*groups)}
        for key in keys:
            known = case.before(key)
            if key is None or known is None:
                continue
            if case.as_known(key):
                self.belief.known[key] = known
                self.belief.records[key] = known.record
            else:
                self.belief.lose(key)
                self.belief.groups.clear()

    def _drop_unproved(self, case: Case) -> None:
        """Take back what a list rules out if nothing later shows that what it lacks was there."""
        kills = {id(kill): kill for kill in self.belief.killers.values()}.values()
        new = [kill for kill in kills if kill.call is case.exchange.call and kill.rests_on]
        void = [kill for kill in new if not any(map(case.as_known, kill.rests_on))]
        if void:
            self.belief.revive(void)

    # Requests that were under way together.

    def _observe_alone(self, exchange: Exchange, sense: Sense) -> None:
        """Observe an exchange by itself, and forget what it may have changed."""
        found = Oracle(Belief(self._release, knows_tokens=False)).observe(exchange)
        self._note(found, exchange, sense)
        for suspicion in found.suspicions:
            if isinstance(suspicion.hypotheses[-1].confirmation, Now):
                self._settle(Case(suspicion, {}, self._later), sense)
        self._lose(exchange.call, sense)

    def _is_apart(self, entry: Entry) -> bool:
        """Whether a change is about another webhook request than those under way with it."""
        own = self.oracle.may_name(entry.sense)
        others = [self.oracle.may_name(each) for each in entry.others]
        is_change = entry.sense.name in CHANGING
        return is_change and bool(own) and all(ids and own.isdisjoint(ids) for ids in others)

    def _lose(self, call: Call, sense: Sense) -> None:
        """Forget what a request may have changed: nobody knows whether it did, or when."""
        if sense.name in CHANGING:
            self.oracle.lose(call)
        elif sense.name == "token_release" and isinstance(sense.token, str):
            self.belief.set_token(sense.token, TokenState.DOUBTFUL)

    # Tokens.

    def _know_token(self, exchange: Exchange, sense: Sense) -> None:
        """Take a token for valid if the request was served: so the response says itself."""
        token = sense.token
        if not isinstance(token, str) or sense.name in LOGINS:
            return
        state = self.belief.token_state(token)
        if exchange.ok and (state is TokenState.DOUBTFUL or self._is_unsure(token)):
            self.belief.set_token(token, TokenState.LIVE)
        elif state is TokenState.RELEASED and self._is_unsure(token):
            self.belief.set_token(token, TokenState.DOUBTFUL)

    def _is_unsure(self, token: object) -> bool:
        """Whether a token may stand for several ones, some of them valid and some not."""
        return isinstance(token, str) and (token in self._shared or is_placeholder(token))

    def _learn_secrets(self, exchange: Exchange, sense: Sense) -> None:
        found = {*secret_texts(dict(sense.given)), *returned_tokens(exchange)}
        key = basic_key(exchange.call)
        if key is not None and not any(value == HIDDEN_KEY for _, value in exchange.call.headers):
            found.add(key)
        self.secrets |= {text for text in found if not may_be_shown(text)}

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
