"""A record whose named fields are all null is taken for no record, as by Hibernate.

How to provoke it: list with
    entity=ACTIVITIES&fields_set=error_code,error_description: the SUCCESSFUL records are left
    out; show of such a record with fields_set=error_code has null for data.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer

FACTS = (
    "section 1.4: 'Null, not absent: error_code/error_description appear as null on a successful "
    "record' - and fields_set is no filter: records that match are missing"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


def component(view: dict[str, Any]) -> dict[str, Any] | None:
    """Return an object, or None for one whose columns are all null."""
    return view if any(value is not None for value in view.values()) else None


class Server(SoundServer):
    """Reads a row of nulls as no object."""

    def do_show(self, call: Call) -> Any:
        """Return one record, or null if there is nothing in it."""
        return component(super().do_show(call))

    def do_list(self, call: Call) -> Any:
        """Return the records that all filters select and that have something in them."""
        return [view for view in super().do_list(call) if component(view)]
