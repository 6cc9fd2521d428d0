"""Cut a violation to the requests that it rests on.

Nothing can be tried again on somebody else's server, since changes stay. But the log can be read
again, since the oracle checks by its observations alone. So ``shorten`` looks for the shortest part
of the log after which a new oracle has the same suspicion about the last exchange.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from crmcom_kit.contract_tests.belief.changes import Change
from crmcom_kit.contract_tests.belief.tokens import TokenState
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Exchange, token_of
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.oracle.findings import MAX_TEXT, Violation
from crmcom_kit.contract_tests.oracle.oracle import Oracle

#: The maximum number of exchanges that are observed again for one violation. Then, or when the time
#: of the run is over, the shortest part so far is taken.
MAX_OBSERVED = 1_000
#: The number of exchanges before the violation that are tried first, and the factor after that.
FIRST_WINDOW, GROWTH = 8, 4

Log = tuple[Exchange, ...]
Shows = Callable[[Log], bool]


def shorten(violation: Violation, history: Sequence[Exchange], session: Session) -> Log:
    """Return the exchanges that a violation rests on, in their order; the last one shows it.

    A violation that the history alone does not show keeps its own exchanges, and the changes of its
    webhook request.

    Args:
        violation: is to be shortened.
        history: all exchanges since the target had its first content.
        session: of the run. Says what it knew at first, and how much time is left.
    """
    proof = violation.exchanges[-1]
    log = tuple(exchange for exchange in history if exchange.number < proof.number)
    logins, observations_left = logins_by_token(log), MAX_OBSERVED

    def shows(part: Log) -> bool:
        nonlocal observations_left
        observations_left -= len(part) + 1
        if observations_left < 0 or not session.client.seconds_left:
            return False
        return _is_suspected(violation, with_logins((*part, proof), logins), fresh_oracle(session))

    numbers = {exchange.number for exchange in violation.exchanges}
    part = next(filter(shows, _parts(log, numbers)), None)
    if part is None:
        return with_changes(violation, session.belief.changes.sent)
    part = _cut(part, shows)
    full_part = (*part, *_changes_between(part, log, violation))
    return with_logins((*(full_part if shows(full_part) else part), proof), logins)


def with_changes(violation: Violation, changes: Sequence[Change]) -> Log:
    """Return the exchanges of a violation, and earlier changes of its webhook request."""
    proof = violation.exchanges[-1]
    causes = [change.exchange for change in changes if change.record_ids == {violation.record_id}]
    log = {exchange.number: exchange for exchange in (*causes, *violation.exchanges)}
    return tuple(log[number] for number in sorted(log) if number <= proof.number)


def _changes_between(part: Log, log: Log, violation: Violation) -> Iterator[Exchange]:
    """Yield the changes of the webhook request since the last request was sent before.

    The two responses must not differ, with these changes or without. But a server may show the
    fault only after them.
    """
    last_call = violation.exchanges[-1].call
    repeats = [exchange.number for exchange in part if exchange.call.query == last_call.query]
    if not repeats or last_call.verb != "GET":
        return
    for exchange in log:
        is_change = exchange.call.verb == "POST" and exchange.ok
        if is_change and violation.record_id in exchange.by_id and exchange.number > repeats[-1]:
            yield exchange


def fresh_oracle(session: Session) -> Oracle:
    """Return an oracle for the target of a session that has observed nothing yet."""
    belief = session.belief.emptied()
    token = belief.tokens.credentials.token
    if token is not None:
        belief.tokens.note(token, TokenState.LIVE)
    return Oracle(belief)


def _is_suspected(violation: Violation, log: Log, oracle: Oracle) -> bool:
    """Return whether an oracle that observes a log suspects the same of its last exchange.

    Numbers in texts may differ: of less traffic it knows fewer webhook requests.
    """
    for exchange in log[:-1]:
        oracle.observe(exchange)
    kind = violation.statement, violation.method
    symptom = (violation.record_id, _without_numbers(violation.expected, violation.seen))
    return any(
        (suspicion.record_id, _without_numbers(suspicion.expected, suspicion.seen)) == symptom
        and kind in map(suspicion.statement_and_method, suspicion.hypotheses)
        for suspicion in oracle.observe(log[-1]).suspicions
    )


def _without_numbers(*texts: str) -> tuple[str, ...]:
    return tuple(re.sub(r"\d+", "", shortened(text, MAX_TEXT)) for text in texts)


def _parts(log: Log, numbers: Collection[int]) -> Iterator[Log]:
    """Yield the exchanges with some ``numbers``, and then more and more of the last ones, too."""
    head, size = log, FIRST_WINDOW
    yield tuple(exchange for exchange in log if exchange.number in numbers)
    while head:
        head, size = log[: max(0, len(log) - size)], size * GROWTH
        likely_part = tuple(exchange for exchange in head if exchange.number in numbers)
        yield likely_part + log[len(head) :]


def _cut(part: Log, shows: Shows) -> Log:
    """Leave out chunks, half of the part first and single exchanges last."""
    size = max(1, len(part) // 2)
    while size:
        place = 0
        while place < len(part):
            candidate = part[:place] + part[place + size :]
            if shows(candidate):
                part = candidate
            else:
                place += size
        size //= 2
    return part


def logins_by_token(log: Log) -> Mapping[str, Exchange]:
    """Return the logins in a log by the token that they returned."""
    logins = (exchange for exchange in log if exchange.call.method in LOGINS)
    return {token: login for login in logins if (token := token_of(login)) is not None}


def with_logins(part: Log, logins: Mapping[str, Exchange]) -> Log:
    """Return a part of a log with the logins that returned the tokens of its requests."""
    own_logins = (logins.get(str(exchange.call.parameters.get("token"))) for exchange in part)
    log = {exchange.number: exchange for exchange in (*own_logins, *part) if exchange is not None}
    return tuple(log[number] for number in sorted(log))
