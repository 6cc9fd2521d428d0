"""Servers that differ from the mock where the documents are silent: none may alarm the kit."""

import random
from collections.abc import Callable, Iterable
from typing import Any

from crmcom_kit.schemas.releases import resolve
from odd_servers import odd_answers, odd_choices  # noqa: F401 - they enter what they have
from odd_servers.oddity import ODDITIES
from odd_servers.toolkit import WsgiApp

__all__ = ["ODDITIES", "combined", "together"]


def combined(names: Iterable[str]) -> tuple[Callable[[WsgiApp], WsgiApp], dict[str, Any]]:
    """Return what is put around the mock, and the dials it is given, for several oddities."""
    chosen = [ODDITIES[name] for name in names]

    def wrap(app: WsgiApp) -> WsgiApp:
        for oddity in chosen:
            app = oddity.make(app)
        return app

    return wrap, {dial: value for oddity in chosen for dial, value in oddity.dials}


def together(draw: random.Random, release: str) -> list[str]:
    """Draw several oddities that do not contradict each other: no dial is turned twice."""
    names: list[str] = []
    turned: set[str] = set()
    legal = [name for name, each in ODDITIES.items() if resolve(release).at_least(each.since)]
    for name in draw.sample(legal, k=draw.randint(2, 12)):
        dials = {dial for dial, _ in ODDITIES[name].dials}
        if not dials & turned:
            turned |= dials
            names.append(name)
    # What handles calls is put around the mock in the order of this list.
    return sorted(names, key=list(ODDITIES).index)
