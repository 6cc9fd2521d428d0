"""Runs the kit against broken servers, and says what it caught with which layer and how soon."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from multiprocessing import get_context

from broken_servers.catalogue import BrokenServer, broken_servers
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.contract_tests.run import RunConfig, run
from crmcom_kit.contract_tests.targets import own_mock


@dataclass(frozen=True, slots=True)
class Kill:
    """What became of one broken server in one run."""

    name: str
    seed: int
    caught: bool  # its statement is named
    layer: str  # what found it first
    spent: int  # requests until then
    others: tuple[str, ...]  # other statements that are named, though they are kept
    requests: int  # of the whole run
    trouble: str = ""


def attack(server: BrokenServer, seeds: Iterable[int] = (0,)) -> list[Kill]:
    """Check one broken server, and return what the kit says of it with each seed.

    The fixed layers go first, alone, and do the same whatever the seed is. Only a server that
    they do not catch is checked again with the generated layers behind them.
    """
    fixed = attack_briefly(server, None)
    if fixed.caught:
        return [replace(fixed, seed=seed) for seed in seeds]
    return [_attack(server, RunConfig(seed=seed)) for seed in seeds]


def attack_narrowly(server: BrokenServer) -> Kill:
    """Check one broken server with the probes of its own statement alone, which is quick."""
    return _attack(server, RunConfig(only=server.statement, max_examples=0))


def attack_briefly(server: BrokenServer, max_requests: int | None) -> Kill:
    """Check one broken server with the fixed layers alone, and with so many requests at most."""
    return _attack(server, RunConfig(limits=Limits(max_requests=max_requests), max_examples=0))


def _attack(server: BrokenServer, config: RunConfig) -> Kill:
    return _kill(server, config.seed, run(own_mock(server.release, wrap=server.make), config))


def _kill(server: BrokenServer, seed: int, results: Results) -> Kill:
    broken = {r.statement.id: r for r in results.statements if r.verdict is Verdict.BROKEN}
    mine = broken.pop(server.statement, None)
    first = min(mine.violations, key=lambda v: _at(v.exchanges), default=None) if mine else None
    return Kill(
        name=server.name,
        seed=seed,
        caught=mine is not None,
        layer=first.layer if first is not None else "",
        spent=_at(first.exchanges) if first is not None else 0,
        others=tuple(broken),
        requests=len(results.history),
        trouble=results.trouble or "",
    )


def _at(exchanges: Iterable[object]) -> int:
    return max((getattr(each, "number", 0) for each in exchanges), default=0)


def _task(task: tuple[str, tuple[int, ...]]) -> list[Kill]:
    name, seeds = task
    servers = {server.name: server for server in broken_servers()}
    return attack(servers[name], seeds)


def attack_all(seeds: Iterable[int] = (0,), processes: int = 2) -> list[Kill]:
    """Check every broken server once for each seed, in several processes."""
    tasks = [(server.name, tuple(seeds)) for server in broken_servers()]
    with get_context("fork").Pool(processes) as pool:
        return [kill for kills in pool.imap(_task, tasks) for kill in kills]
