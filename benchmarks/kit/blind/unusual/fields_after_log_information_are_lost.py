"""A fields_set that begins with log_information loses all names after it.

Provoke it with list?entity=ACTIVITIES&fields_set=log_information,number, or with the same
fields_set in show: the results have log_information only. number,log_information,entity is
right. log_information is the last field of the documents, and the server takes a fields_set that
has come to it at once for finished.
"""

from stand_in.reading import Call
from stand_in.server import StandIn

FACTS = (
    "1.2: fields_set is a list of the fields that should be included in the results [S, "
    "seed]; no order is asked for"
)
CHOICES = {}
RELEASE = "R9"


class Server(StandIn):
    """A server that expects the first name not to be the last one of the documents."""

    def wanted_fields(self, call: Call, names: list[str]) -> list[str]:
        """Return the names in fields_set that the server sees."""
        names = super().wanted_fields(call, names)
        if call.method in ("show", "list") and names[:1] == ["log_information"]:
            return names[:1]
        return names
