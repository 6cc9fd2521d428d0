"""The registry of probes: fixed sequences of requests, each for one statement or a few.

A probe is a function of a session. It makes its calls and says ``session.expect…`` of each
statement it is registered for; it raises Unreachable where it cannot.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from crmcom_kit.contract_tests.session import Session

#: In this order the layers run; the later ones may change webhook requests.
Layer = Literal["read", "login", "resend", "delete"]
LAYERS: tuple[Layer, ...] = ("read", "login", "resend", "delete")
_HOMES = (
    "probes.connectivity", "probes.unchanged", "probes.identifiers", "probes.fields_sets",
    "probes.lists", "probes.filters", "probes.values", "probes.paging", "probes.calling",
    "probes.refusals", "probes.undocumented", "probes.signatures", "probes.logins",
    "probes.resends", "probes.keeping_up", "probes.deletes", "probes.refused",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe and the statements that it exercises."""

    name: str
    layer: Layer
    statements: tuple[str, ...]
    run: Callable[[Session], None]
    cost: int  # requests that it is about to make where these are few
    shares: bool  # whether answers that the run has already will do for it
    needs: str  # a method without which it makes no sense; "" where there is none


_PROBES: list[Probe] = []


def probe(
    *statements: str, layer: Layer, cost: int = 1, afresh: bool = False, needs: str = ""
) -> Callable[[Callable[[Session], None]], Callable[[Session], None]]:
    """Register a function as a probe of ``statements``.

    Args:
        statements: their ids.
        layer: with which others it runs.
        cost: requests that it is about to make in a run of few.
        afresh: it compares answers to the same call, so each one has to be asked for.
        needs: a method that not every release has, without which the probe makes no sense.
    """

    def register(run: Callable[[Session], None]) -> Callable[[Session], None]:
        shares = layer == "read" and not afresh
        _PROBES.append(Probe(run.__name__, layer, statements, run, cost, shares, needs))
        return run

    return register


def probes() -> tuple[Probe, ...]:
    """Return every probe, in the order in which they run."""
    for home in _HOMES:
        import_module(f"crmcom_kit.contract_tests.{home}")
    return tuple(sorted(_PROBES, key=lambda each: LAYERS.index(each.layer)))
