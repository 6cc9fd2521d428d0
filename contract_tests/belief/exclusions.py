"""Which lists ruled out which interpretations of list's filters, in which zones."""

from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_
from typing import NamedTuple

from crmcom_kit.contract_tests.belief.interpretations import Interpretation
from crmcom_kit.contract_tests.belief.zones import ALL, Zones
from crmcom_kit.contract_tests.client.exchanges import Call


class Exclusion(NamedTuple):
    """A list that ruled out a way to read its filters, in some zones."""

    call: Call
    number: int  # of the exchange
    zones: Zones
    #: Id of the webhook request that it lacked or had; if that has changed, nothing is ruled out.
    rests_on: str | None


class Exclusions(dict[Interpretation, list[Exclusion]]):
    """The lists that ruled out an interpretation, by interpretation."""

    def zones_left(self, interpretation: Interpretation) -> Zones:
        """Return the zones in which an interpretation is not ruled out."""
        excluded = (exclusion.zones for exclusion in self.get(interpretation, ()))
        return ALL & ~reduce(or_, excluded, 0)

    def add(self, interpretations: Iterable[Interpretation], exclusion: Exclusion) -> None:
        """Note that some interpretations cannot explain a list, in some zones."""
        for interpretation in interpretations:
            zones = exclusion.zones & self.zones_left(interpretation)
            if zones:
                new = exclusion._replace(zones=zones)
                self.setdefault(interpretation, []).append(new)

    def take_back(self, is_void: Callable[[Exclusion], bool]) -> None:
        """Remove the exclusions that are void."""
        for exclusions in self.values():
            exclusions[:] = [exclusion for exclusion in exclusions if not is_void(exclusion)]
