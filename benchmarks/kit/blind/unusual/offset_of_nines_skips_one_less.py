"""An offset just before a power of ten, such as 9, skips one record less than it says.

Provoke it with list?entity=ACTIVITIES&offset=9: the list begins with the record that is the last
one with offset=8&number_of_results=1, though offset=8 and offset=10 are right. So do 99, 999 and
so on, in larger lists; leading zeros switch it off.
"""

import re

from stand_in.reading import Call
from stand_in.server import StandIn

FACTS = "1.2: offset is the number of records to skip, 0 skips none, from R13.0.0 on [S]"
CHOICES = {}
RELEASE = "R13"


class Server(StandIn):
    """A server that reckons the width of its pages from the digits of the offset."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and the offset again."""
        super().read_arguments(call)
        if call.method == "list" and self.key >= (13, 0):
            if re.fullmatch("9+", str(call.parameters.get("offset"))):
                call.skip -= 1
