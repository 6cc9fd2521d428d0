"""Runs the kit against broken servers, and says what it caught with which layer and how soon.

A broken server is checked as a mock of the kit's own, and *elsewhere*: as a server of somebody
else, which does not say what it is, which others may use, and whose content the kit has to find.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from helpers.far import BOTH, Wire

from broken_servers.catalogue import BrokenServer
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.contract_tests.run import RunConfig, run
from crmcom_kit.contract_tests.safety.scope import EVERYTHING
from crmcom_kit.contract_tests.targets import own_mock

#: What a run elsewhere has to be allowed.
PERMISSIONS: dict[str, Any] = {"allowed": BOTH, "scope": EVERYTHING}


@dataclass(frozen=True, slots=True)
class Kill:
    """What became of one broken server in one run."""

    name: str
    caught: bool  # its statement is named
    layer: str  # what found it first
    spent: int  # requests until then
    others: tuple[str, ...]  # other statements that are named, though they are kept
    requests: int  # of the whole run
    trouble: str = ""


def attack(server: BrokenServer, *, elsewhere: bool = False) -> Kill:
    """Check one broken server with everything, and return what the kit says of it.

    Only what the fixed layers do not catch is checked again with the stateful layer behind them.
    """
    fixed = attack_briefly(server, elsewhere=elsewhere)
    return fixed if fixed.caught else _attack(server, elsewhere=elsewhere)


def attack_narrowly(server: BrokenServer, *, elsewhere: bool = False) -> Kill:
    """Check one broken server with the probes of its own statement alone, which is quick."""
    return _attack(server, elsewhere=elsewhere, only=server.statement, max_examples=0)


def attack_briefly(
    server: BrokenServer, max_requests: int | None = None, *, elsewhere: bool = False
) -> Kill:
    """Check one broken server with the fixed layers alone, and with so many requests at most."""
    limits = Limits(max_requests=max_requests)
    return _attack(server, elsewhere=elsewhere, limits=limits, max_examples=0)


def _attack(server: BrokenServer, *, elsewhere: bool, **config: Any) -> Kill:
    target = own_mock(server.release, wrap=server.make)
    if not elsewhere:
        return _kill(server, run(target, RunConfig(**config)))
    assert target.transport is not None
    target = replace(
        target,
        name="somebody's server",
        own=False,
        entries=(),
        transport=Wire(target.transport),
    )
    return _kill(server, run(target, RunConfig(**config, **PERMISSIONS)))


def _kill(server: BrokenServer, results: Results) -> Kill:
    broken = {r.statement.id: r for r in results.statements if r.verdict is Verdict.BROKEN}
    mine = broken.pop(server.statement, None)
    first = min(mine.violations, key=lambda v: _at(v.exchanges), default=None) if mine else None
    return Kill(
        name=server.name,
        caught=mine is not None,
        layer=first.layer if first is not None else "",
        spent=_at(first.exchanges) if first is not None else 0,
        others=tuple(broken),
        requests=len(results.history),
        trouble=results.trouble or "",
    )


def _at(exchanges: Iterable[object]) -> int:
    return max((getattr(each, "number", 0) for each in exchanges), default=0)
