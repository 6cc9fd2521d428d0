"""What lists have shown of a server: how it reads filters, and how long its lists may be."""

from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.belief.interpretations import Exclusions
from crmcom_kit.contract_tests.client.exchanges import Exchange


@dataclass(slots=True)
class SeenLists:
    """The dials of lists that are not settled, and the lists that may settle them."""

    exclusions: Exclusions = field(default_factory=Exclusions)
    #: The last exchange that listed all that some filters select, by these filters.
    whole: dict[frozenset[tuple[str, Any]], Exchange] = field(default_factory=dict)
    #: The length of the longest list so far, by whether it had number_of_results and by its
    #: filters: a server may cut lists at a maximum, which may depend on both.
    longest: dict[tuple[bool, frozenset[str]], int] = field(default_factory=dict)
    serves_empty: bool = False  # whether it is known that a list may find nothing
