"""When webhook requests that are added to a world are created."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import inf

from crmcom_kit.fixtures.content.timeline import EPOCH, slot
from crmcom_kit.fixtures.moments import is_age
from crmcom_kit.mock_server.store.reference_data import Object
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.world_file import CREATED
from crmcom_kit.schemas.formats import write_date_time
from crmcom_kit.usage_errors import UsageError, quoted

_START = datetime(1970, 1, 1)  # noqa: DTZ001 - dates of this API have no zone
_LOG = "log_information"


class Dates:
    """The dates of the webhook requests that one call adds."""

    def __init__(self, epoch: Epoch) -> None:
        """Go on after the newest one of a world."""
        self._present = epoch.present
        self._now = self._present.written("now", "now")
        newest = epoch.store.newest()
        self._newest = None if newest == -inf else _START + timedelta(seconds=newest)

    def decide(self, members: Object, index: int) -> None:
        """Let ``age``, ``created_date`` or the world decide when a webhook request is created.

        Without a date it comes after the newest one: when the generator creates the one of that
        ``index``, or else an hour later, but not in the future. In a world without any it is
        created now.

        Raises UsageError.
        """
        log = members.get(_LOG, {})
        dates = {name: members.pop(name) for name in CREATED if name in members}
        if not isinstance(log, Mapping):  # the schema says what is wrong with it
            return
        if "created_date" in log:
            dates[f"{_LOG}.created_date"] = log["created_date"]
        if len(dates) > 1:
            first, second, *_ = dates
            raise UsageError(first, seen=f"with {second}", allowed="one of them")
        for name in dates.keys() & CREATED:
            created = self._present.written(name, dates[name])
            if name == "age" and not is_age(dates[name]):
                allowed = 'an age such as "100 days" or "12 hours"'
                raise UsageError(name, seen=quoted(dates[name]), allowed=allowed)
            self._put(members, created)
        if dates or "updated_date" in log:
            return
        if self._newest is None:
            self._put(members, self._now)
        elif EPOCH + timedelta(seconds=slot(index)[0]) < self._newest:
            later = min(self._newest + timedelta(hours=1), self._now)
            self._put(members, max(self._newest, later))

    def _put(self, members: Object, created: datetime) -> None:
        members[_LOG] = {**members.get(_LOG, {}), "created_date": write_date_time(created)}
        self._newest = max(self._newest or created, created)

    def limit(self, log: Object, members: Object) -> None:
        """Let the change that is generated be no later than now, if the creation is not."""
        chosen, now = members.get(_LOG), write_date_time(self._now)
        if not isinstance(chosen, Mapping):
            return
        if chosen.get("created_date") and "updated_date" not in chosen:
            log["updated_date"] = max(log["created_date"], min(log["updated_date"], now))
