"""Pass recorded exchanges to the oracle, and settle its suspicions.

Requests that were under way together have no order, so that what one has changed is not held
against another. A suspicion makes its part of the belief unknown.
"""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.tokens import KnownTokens, TokenState
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Exchange, token_of
from crmcom_kit.contract_tests.options.options import CHANGES
from crmcom_kit.contract_tests.oracle.confirmations import Again, Contradicted
from crmcom_kit.contract_tests.oracle.findings import Findings
from crmcom_kit.contract_tests.oracle.oracle import Observation, Oracle
from crmcom_kit.contract_tests.oracle.parsing import Request, read
from crmcom_kit.contract_tests.oracle.suspicions import Evident, Suspicion
from crmcom_kit.contract_tests.recorded.hindsight import Case, Later
from crmcom_kit.contract_tests.recorded.reading import Recorded, RecordingError
from crmcom_kit.schemas.releases import Release

#: Methods whose requests may change what others show, or how others are met.
WITH_EFFECT = (*CHANGES, "token_release")
#: The maximum number of suspicions that wait for later exchanges; then the oldest is settled.
MAX_UNSETTLED = 1_000
#: Seconds by which requests must overlap: their times are rounded to milliseconds.
_ROUNDED = 0.002
#: A token that differs from all others. A placeholder, which stands for a token that was removed,
#: has no digit, or other characters, or few of them.
_TOKEN = re.compile(r"(?=.*\d)[\w.+/=~-]{8,}", re.ASCII)
#: A placeholder that a run writes; it stands for one token alone.
_VARIABLE = re.compile(r"\$CRMCOM_((OTHER_|EXPIRED_)?TOKEN(_\d+)?|OTHER_\d+)")


def without_order(exchanges: Sequence[Recorded]) -> set[int]:
    """Return the ids of exchanges that overlap with one that may have changed something.

    The ids are those of Python's ``id``.
    """
    overlaps: set[int] = set()
    active: list[Recorded] = []
    for later in exchanges:
        active = [earlier for earlier in active if earlier.end - _ROUNDED > later.start]
        for earlier in active:
            if _changes(earlier):
                overlaps.add(id(later))
            if _changes(later):
                overlaps.add(id(earlier))
        active.append(later)
    return overlaps


def _changes(recorded: Recorded) -> bool:
    return recorded.exchange.call.method in WITH_EFFECT


def is_placeholder(token: str) -> bool:
    """Return whether a text stands for a token that a recording lacks, or for several."""
    return _TOKEN.fullmatch(token) is None or len(set(token)) == 1


def _rests_on(suspicion: Suspicion) -> set[str]:
    """Return the ids of the webhook requests that a suspicion is about, or rests on."""
    keys = set() if suspicion.record_id is None else {suspicion.record_id}
    for hypothesis in suspicion.hypotheses:
        match hypothesis:
            case Again(rests_on=ids) | Contradicted(rests_on=ids):
                keys |= {*ids}
    return keys


class Observer:
    """Has the oracle observe the exchanges of one server, and settles what it suspects.

    Suspicions are settled at the end, when all later exchanges are known.
    """

    def __init__(self, release: Release) -> None:
        """Begin without exchanges."""
        self._release = release
        self.findings = Findings()
        self.belief = Belief(release, KnownTokens(sees_logins=False))
        self.oracle = Oracle(self.belief)
        self.history: list[Exchange] = []
        self._organisations: set[str] = set()
        self._tokens: set[str] = set()  # that logins have returned
        self._shared_tokens: set[str] = set()  # that several logins have returned
        self._later = Later()
        self._cases: deque[Case] = deque()
        #: What nothing has confirmed, by statement: the first suspicion, and how many there are.
        self.unconfirmed_suspicions: dict[str, tuple[Suspicion, int]] = {}

    def know_login(self, exchange: Exchange) -> None:
        """Record a login, before any exchange with its token.

        Raises RecordingError if logins of several organisations were served: their
        webhook requests could not be distinguished.
        """
        token = token_of(exchange) if exchange.call.method in LOGINS else None
        if token is None:
            return
        tokens = self._shared_tokens if token in self._tokens else self._tokens
        tokens.add(token)
        self._organisations |= {str(exchange.call.parameters.get("organisation", ""))} - {""}
        if len(self._organisations) > 1:
            names = ", ".join(sorted(self._organisations))
            msg = f"several organisations log in; record each of them separately: {names}"
            raise RecordingError(msg)

    def follow(self, recorded: Recorded, *, is_unordered: bool) -> None:
        """Observe an exchange.

        With ``is_unordered`` its place in the order is not known, and it is observed by itself.
        """
        exchange, request = recorded.exchange, read(recorded.exchange.call, self._release)
        if not recorded.why_missing:
            self.history.append(exchange)
        if request.name in CHANGES and (exchange.ok or recorded.why_missing):
            self._later.add_change(request, len(self.history))
        if recorded.why_missing:
            self._lose(exchange, request)
            return
        self._know_token(exchange, request)
        if is_unordered:
            self._observe_alone(exchange, request)
            return
        self._later.add(exchange, request, is_token_sure=not self.is_token_ambiguous(request.token))
        self._observe(exchange, request)
        while len(self._cases) > MAX_UNSETTLED:
            self._close(self._cases.popleft())

    def _observe(self, exchange: Exchange, request: Request) -> None:
        """Pass an exchange to the oracle, and keep its suspicions."""
        records = self.belief.records.by_id
        old_records = {key: replace(records[key]) for key in exchange.by_id if key in records}
        observation = self.oracle.observe(exchange)
        self._note(observation, exchange)
        for suspicion in observation.suspicions:
            states = {key: old_records.get(key) or records.get(key) for key in _rests_on(suspicion)}
            copies = {key: replace(record) for key, record in states.items() if record is not None}
            self._cases.append(Case(suspicion, copies, self._later))
            if not isinstance(suspicion.hypotheses[0], Evident):
                for key in _rests_on(suspicion) & self.belief.records.condensed.keys():
                    self.belief.lose(key)
        if request.name == "list":  # nobody knows whether what a list lacks was there
            self.belief.lists.exclusions.take_back(lambda exclusion: exclusion.rests_on is not None)
        if request.name == "token_release" and self.is_token_ambiguous(request.token):
            self.belief.tokens.note(str(request.token), TokenState.DOUBTFUL)

    def _close(self, case: Case) -> None:
        """Settle a suspicion, or count it as one that nothing has confirmed."""
        if not self._settle(case) and not case.is_of_ended_token:
            statement = case.suspicion.hypotheses[0].statement
            suspicion, times = self.unconfirmed_suspicions.get(statement, (case.suspicion, 0))
            self.unconfirmed_suspicions[statement] = suspicion, times + 1

    def conclude(self) -> None:
        """Settle the remaining suspicions: no exchange follows."""
        for case in self._cases:
            self._close(case)
        for violation in self.oracle.service.conclude():
            self.findings.note_violation(violation)

    def _note(self, observation: Observation, exchange: Exchange) -> None:
        """Note what needs no confirmation."""
        for name, error in observation.errors:
            self.findings.note_crash(f"the check {name}", error)
        names = [name for name in observation.held if not self._rests_on_removed(name, exchange)]
        self.findings.hold(names, exchange)

    def _settle(self, case: Case) -> bool:
        """Note the violation that a suspicion comes to; return whether an exchange confirms it."""
        suspicion, confirmation = case.suspicion, case.confirmed()
        if confirmation is None:
            return False
        hypothesis, proof = confirmation
        violation = suspicion.violation(hypothesis)
        cause = self._cause(suspicion, hypothesis.statement)
        exchanges = (*violation.exchanges, proof, *cause)
        by_number = {exchange.number: exchange for exchange in exchanges}
        exchanges = tuple(by_number[number] for number in sorted(by_number))
        violation = replace(violation, exchanges=exchanges)
        if not self._rests_on_removed(violation.statement, case.exchange):
            self.findings.note_violation(violation)
        return True

    def _cause(self, suspicion: Suspicion, statement: str) -> list[Exchange]:
        """Return the last request that the violation rests on: a change, or a release."""
        exchange, candidates = suspicion.exchange, list[Exchange]()
        if statement.startswith(CHANGES):
            changes = self.belief.changes.sent
            own_changes = (change for change in changes if suspicion.record_id in change.record_ids)
            candidates = [change.exchange for change in own_changes]
        elif statement == "token_release.ends_token":
            token = exchange.call.parameters.get("token")
            releases = (cause for cause in self.history if cause.call.method == "token_release")
            candidates = [
                cause for cause in releases if cause.call.parameters.get("token") == token
            ]
        return [cause for cause in candidates if cause.number <= exchange.number][-1:]

    # Requests that were under way together.

    def _observe_alone(self, exchange: Exchange, request: Request) -> None:
        """Observe an exchange by itself, and forget what it may have changed."""
        belief = Belief(self._release, KnownTokens(sees_logins=False))
        observation = Oracle(belief).observe(exchange)
        self._note(observation, exchange)
        for suspicion in observation.suspicions:
            if isinstance(suspicion.hypotheses[-1], Evident):
                self._settle(Case(suspicion, {}, self._later))
        self._lose(exchange, request)

    def _lose(self, exchange: Exchange, request: Request) -> None:
        """Forget what a request may have changed: nobody knows whether and when it did."""
        if request.name in CHANGES:
            self.oracle.lose(exchange.call)
        elif request.name == "token_release" and isinstance(request.token, str):
            self.belief.tokens.note(request.token, TokenState.DOUBTFUL)

    # Tokens and other secrets, which may have been removed.

    def _know_token(self, exchange: Exchange, request: Request) -> None:
        """Take the token of a request that was served for valid."""
        token = request.token
        is_doubtful = self.belief.tokens.state(token) is TokenState.DOUBTFUL
        if exchange.ok and isinstance(token, str) and is_doubtful:
            self.belief.tokens.note(token, TokenState.LIVE)

    def is_token_ambiguous(self, token: object) -> bool:
        """Return whether a token may stand for several, some of them valid and some not."""
        if not isinstance(token, str):
            return False
        may_be_several = is_placeholder(token) and not _VARIABLE.fullmatch(token)
        return may_be_several or token in self._shared_tokens

    def _rests_on_removed(self, statement: str, exchange: Exchange) -> bool:
        """Return whether a verdict on a login rests on a secret that may have been removed."""
        if exchange.call.method not in LOGINS:
            return False
        is_jwt = statement.startswith("login.token.jwt")
        return statement == "parameters.mandatory" or (
            is_jwt and is_placeholder(token_of(exchange) or "")
        )
