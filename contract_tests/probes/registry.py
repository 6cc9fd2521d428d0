"""The registry of probes: fixed sequences of requests, each for one statement or a few.

A probe is a function of a session. It sends its requests and says ``session.expect…`` of each
statement it is registered for; it raises Unreachable where it cannot.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from importlib import import_module
from typing import Literal

from crmcom_kit.contract_tests.session import Session
from crmcom_kit.schemas.releases import Release
from crmcom_kit.schemas.statements import statements

#: In this order the layers run; the later ones may change webhook requests.
Layer = Literal["read", "login", "resend", "delete"]
LAYERS: tuple[Layer, ...] = ("read", "login", "resend", "delete")

#: The modules that hold probes. Within a layer they run in this order, and within a module in the
#: order of its source; probes of other packages follow. Which module imports which does not matter.
PROBE_MODULES = tuple(
    f"crmcom_kit.contract_tests.probes.{name}"
    for name in (
        "connectivity", "unchanged", "identifiers", "fields_sets", "lists", "filters", "values",
        "paging", "calling", "refusals", "undocumented", "signatures", "logins", "resends",
        "keeping_up", "deletes", "refused",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe and the statements that it exercises."""

    name: str
    layer: Layer
    statements: tuple[str, ...]
    run: Callable[[Session], None]
    cost: int  # requests that it is about to make where these are few
    shares: bool  # whether responses that the run has already will do for it
    needs: str  # a method without which it makes no sense; "" if there is none
    last: bool  # whether it runs after all others of its layer

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
    afresh: bool = False,
    needs: str = "",
    last: bool = False,
) -> Callable[[Callable[[Session], None]], Callable[[Session], None]]:
    """Register a function as a probe of ``statements``.

    Args:
        statements: their ids.
        layer: with which others it runs.
        cost: requests that it is about to make in a run of few.
        afresh: it compares responses to the same request, so each one has to be sent.
        needs: a method that not every release has, without which the probe makes no sense.
        last: it looks at what the others of its layer have done, so it runs after them.
    """

    def register(run: Callable[[Session], None]) -> Callable[[Session], None]:
        shares = layer == "read" and not afresh
        _PROBES.append(Probe(run.__name__, layer, statements, run, cost, shares, needs, last))
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


def concerned_methods(only: str, release: Release) -> frozenset[str]:
    """Return the methods that the statements with an id that fits ``only`` are about.

    Generated requests of other methods tell nothing that such a run is asked for.

    Args:
        only: a glob of statement ids; ``*`` fits all.
        release: the release whose statements are in force.
    """
    return frozenset(
        method
        for each in statements(release.name)
        if fnmatchcase(each.id, only)
        for method in each.methods
    )
