"""The registry of probes: fixed sequences of requests, each for one statement or a few.

A probe decides what to send, the most telling requests first. Every exchange goes through the
checks, whoever sent the request; so a probe says ``session.expect…`` only of what no check can
know. It raises Unreachable if it cannot send anything. A run of few requests ends each probe after
its share.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Literal

from crmcom_kit.contract_tests.session import Session

#: In this order the layers run; the later ones may change webhook requests.
Layer = Literal["read", "login", "resend", "delete"]
LAYERS: tuple[Layer, ...] = ("read", "login", "resend", "delete")

#: The modules that hold probes. Within a layer they run in this order, and within a module in the
#: order of its source; probes of other packages follow. Which module imports which does not matter.
PROBE_MODULES = tuple(
    f"crmcom_kit.contract_tests.probes.{name}"
    for name in (
        "connectivity", "reading", "lists", "paging", "refusals", "undocumented", "signatures",
        "logins", "resends", "deletes",
    )
)  # fmt: skip

Run = Callable[[Session], None]


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe and the statements that it exercises."""

    name: str
    layer: Layer
    statements: tuple[str, ...]
    run: Run
    cost: int = 1  # its share of a run of few requests
    afresh: bool = False  # answers that the run has already will not do for it
    finds_causes: bool = False  # it tells whether a method can be called at all, and has no limit
    last: bool = False  # whether it runs after all others of its layer

    @property
    def module(self) -> str:
        """The module that registered it."""
        run = self.run.func if isinstance(self.run, partial) else self.run
        return run.__module__


_PROBES: list[Probe] = []


def probe(
    *statements: str,
    layer: Layer,
    cost: int = 1,
    name: str = "",
    afresh: bool = False,
    finds_causes: bool = False,
    last: bool = False,
) -> Callable[[Run], Run]:
    """Register a function as a probe of ``statements``.

    Args:
        statements: their ids.
        layer: with which others it runs.
        cost: requests that it may make in a run of few; then it is ended.
        name: the probe's name; "": that of the function.
        afresh: it compares responses to the same request, so each one has to be sent.
        finds_causes: it tells whether a method can be called at all; it runs in every run, and to
            its end.
        last: it looks at what the others of its layer have done, so it runs after them.
    """

    def register(run: Run) -> Run:
        title = name or run.__name__
        _PROBES.append(Probe(title, layer, statements, run, cost, afresh, finds_causes, last))
        return run

    return register


def probes() -> tuple[Probe, ...]:
    """Return every probe, in the order in which they run."""
    for module in PROBE_MODULES:
        import_module(module)
    place = {module: at for at, module in enumerate(PROBE_MODULES)}

    def order(each: Probe) -> tuple[int, bool, int]:
        return LAYERS.index(each.layer), each.last, place.get(each.module, len(place))

    return tuple(sorted(_PROBES, key=order))  # stable: in the order of their module's source
