"""Which lists ruled out which interpretations of list's filters, in which zones."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from crmcom_kit.contract_tests.belief.interpretations import Interpretation
from crmcom_kit.contract_tests.belief.zones import ALL, Zones, union
from crmcom_kit.contract_tests.client.exchanges import Exchange


class Exclusion(NamedTuple):
    """A list that rules out a way to read its filters, in some zones."""

    exchange: Exchange  # the list
    zones: Zones
    #: Id of the webhook request that it lacks or has; if that has changed, nothing is ruled out.
    rests_on: str | None


class Exclusions(dict[Interpretation, list[Exclusion]]):
    """The lists that ruled out an interpretation, by interpretation."""

    def zones_left(self, interpretation: Interpretation) -> Zones:
        """Return the zones in which an interpretation is not ruled out."""
        return ALL & ~union(exclusion.zones for exclusion in self.get(interpretation, ()))

    def add(self, interpretations: Iterable[Interpretation], exclusion: Exclusion) -> None:
        """Note that some interpretations cannot explain a list, in some zones."""
        for interpretation in interpretations:
            zones = exclusion.zones & self.zones_left(interpretation)
            if zones:
                self.setdefault(interpretation, []).append(exclusion._replace(zones=zones))

    def take_back(self, is_void: Callable[[Exclusion], bool]) -> None:
        """Remove the exclusions that are void."""
        for exclusions in self.values():
            exclusions[:] = [exclusion for exclusion in exclusions if not is_void(exclusion)]
