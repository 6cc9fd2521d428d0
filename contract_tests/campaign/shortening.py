"""Cut a violation to the requests that it rests on.

On somebody else's server nothing can be tried again: what was changed stays so. But the log can be
read again, since the oracle judges by what it has observed alone. So the shortest part of it is
looked for in which a fresh oracle suspects the same of the same exchange.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from crmcom_kit.contract_tests.belief.belief import Belief, Change, TokenState
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Exchange, token_of
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.oracle.findings import MAX_TEXT, Violation
from crmcom_kit.contract_tests.oracle.oracle import Oracle

#: So many exchanges are observed again for one violation, within the time of the run; then the
#: shortest part so far has to do.
MAX_OBSERVED = 1_000
#: So many exchanges before the violation are tried first, and so many times as many after that.
FIRST_WINDOW, GROWTH = 8, 4

Log = tuple[Exchange, ...]
Shows = Callable[[Log], bool]


def shorten(violation: Violation, history: Sequence[Exchange], session: Session) -> Log:
    """Return the exchanges that a violation rests on, in their order; the last one shows it.

    A violation that does not follow from the history alone keeps the exchanges that it has, and
    the changes of its webhook request.

    Args:
        violation: what was found.
        history: all exchanges since the target had its first content.
        session: of the run: what it knew before it sent anything, and how much time it has left.
    """
    last = violation.exchanges[-1]
    log = tuple(each for each in history if each.number < last.number)
    logins, left = logins_of(log), MAX_OBSERVED

    def shows(part: Log) -> bool:
        nonlocal left
        left -= len(part) + 1
        if left < 0 or not session.client.seconds_left:
            return False
        return _is_suspected(violation, with_logins((*part, last), logins), fresh_oracle(session))

    part = next(filter(shows, _parts(log, {each.number for each in violation.exchanges})), None)
    if part is None:
        return with_changes(violation, session.belief.changes)
    part = _cut(part, shows)
    whole = (*part, *_changes_between(part, log, violation))
    return with_logins((*(whole if shows(whole) else part), last), logins)


def with_changes(violation: Violation, changes: Sequence[Change]) -> Log:
    """Return the exchanges of a violation, and the changes before it of its webhook request."""
    last = violation.exchanges[-1]
    causes = [change.exchange for change in changes if change.named == {violation.record}]
    log = {exchange.number: exchange for exchange in (*causes, *violation.exchanges)}
    return tuple(log[number] for number in sorted(log) if number <= last.number)


def _changes_between(part: Log, log: Log, violation: Violation) -> Iterator[Exchange]:
    """Yield the changes of the webhook request since the same request as the last was sent.

    That the two responses differ is wrong without them. But a server shows it only after them.
    """
    last = violation.exchanges[-1].call
    same = [each.number for each in part if each.call.query == last.query]
    if not same or last.verb != "GET":
        return
    for each in log:
        is_change = each.call.verb == "POST" and each.ok and violation.record in each.by_id
        if is_change and each.number > same[-1]:
            yield each


def fresh_oracle(session: Session) -> Oracle:
    """Return an oracle that has observed nothing yet, for the target of a session."""
    before = session.belief
    belief = Belief(
        before.release, credentials=before.credentials, knows_tokens=before.knows_tokens
    )
    given = session.scene.login.token
    if given is not None:
        belief.set_token(given, TokenState.LIVE)
    return Oracle(belief)


def _is_suspected(violation: Violation, log: Log, oracle: Oracle) -> bool:
    """Whether an oracle that observes a log suspects the same of its last exchange.

    How many webhook requests it knows, and so misses, may differ.
    """
    for each in log[:-1]:
        oracle.observe(each)
    kind = violation.statement, violation.method
    wanted = (violation.record, _without_numbers(violation.expected, violation.seen))
    return any(
        (each.record, _without_numbers(each.expected, each.seen)) == wanted
        and kind in map(each.blamed, each.hypotheses)
        for each in oracle.observe(log[-1]).suspicions
    )


def _without_numbers(*texts: str) -> tuple[str, ...]:
    return tuple(re.sub(r"\d+", "", shortened(each, MAX_TEXT)) for each in texts)


def _parts(log: Log, likely: Collection[int]) -> Iterator[Log]:
    """Yield the exchanges of some numbers alone, and then with more and more of the last ones."""
    yield tuple(each for each in log if each.number in likely)
    start, size = len(log), FIRST_WINDOW
    while start:
        start, size = max(0, len(log) - size), size * GROWTH
        yield tuple(each for at, each in enumerate(log) if at >= start or each.number in likely)


def _cut(part: Log, shows: Shows) -> Log:
    """Leave out chunks, half of the part first and single exchanges last."""
    size = max(1, len(part) // 2)
    while size:
        at = 0
        while at < len(part):
            rest = part[:at] + part[at + size :]
            if shows(rest):
                part = rest
            else:
                at += size
        size //= 2
    return part


def logins_of(log: Log) -> Mapping[str, Exchange]:
    """Return the logins in a log by the token that they returned."""
    logins = (each for each in log if each.call.method in LOGINS)
    return {token: each for each in logins if (token := token_of(each)) is not None}


def with_logins(part: Log, logins: Mapping[str, Exchange]) -> Log:
    """Return a part of a log with the logins that returned the tokens of its requests."""
    used = (logins.get(str(each.call.parameters.get("token"))) for each in part)
    found = {each.number: each for each in (*used, *part) if each is not None}
    return tuple(found[number] for number in sorted(found))
