"""What is known of a server: its webhook requests, its tokens, and the dials it has not settled.

Only the oracle changes the belief. It gets each exchange, of a run or of a recording, and writes
down here what the exchange showed.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from crmcom_kit.contract_tests.belief.changes import Changes, ChangesByOthers
from crmcom_kit.contract_tests.belief.interpretations import SeenLists
from crmcom_kit.contract_tests.belief.knowledge import differing
from crmcom_kit.contract_tests.belief.records import Record, TrackedRecords
from crmcom_kit.contract_tests.belief.tokens import KnownTokens
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.schemas.releases import Release


@dataclass(slots=True)
class Belief:
    """What one run or recording has shown of a server."""

    release: Release
    tokens: KnownTokens = field(default_factory=KnownTokens)
    records: TrackedRecords = field(default_factory=TrackedRecords)
    changes: Changes = field(default_factory=Changes)
    by_others: ChangesByOthers = field(default_factory=ChangesByOthers)
    lists: SeenLists = field(default_factory=SeenLists)
    #: Refusals of requests that were served a moment later: by a limit, or maintenance.
    temporary_refusals: set[tuple[int, Any]] = field(default_factory=set)

    def frozen(self) -> "Belief":
        """Return a copy that later exchanges do not change, to draw requests from."""
        return replace(self, records=self.records.frozen(), tokens=self.tokens.frozen())

    def emptied(self) -> "Belief":
        """Return a belief of the same server that has only the credentials."""
        return Belief(self.release, KnownTokens(self.tokens.credentials, self.tokens.sees_logins))

    def see(
        self, sight: Record, method: str, exchange: Exchange, json_hash: int | None = None
    ) -> None:
        """Track a webhook request as a response has just shown it, if it fits in memory.

        ``json_hash`` is the hash of its JSON, or None if that contradicts what was known.
        """
        key: str = sight["id"]
        earlier_sight = self.records.condensed.get(key)
        if earlier_sight is not None and differing(earlier_sight, sight):
            changes = self.changes.since(self.records.by_id[key].last_seen)
            if not any(key in change.record_ids and change.is_served for change in changes):
                self._doubt_lists_with(key)  # who knows since when?
        if not self.records.see(sight, method, exchange, json_hash):
            self.lose(key)

    def lose(self, key: str) -> None:
        """Forget a webhook request, of which nothing is certain any more."""
        if self.records.lose(key):
            self._doubt_lists_with(key)

    def _doubt_lists_with(self, key: str) -> None:
        self.lists.exclusions.take_back(lambda exclusion: exclusion.rests_on == key)

    @property
    def unsteady(self) -> frozenset[str]:
        """The ids of those that others may have changed, or that were forgotten as uncertain."""
        records = self.records
        return frozenset((*self.by_others.sightings, *records.lost_ids, *records.unsettled))
