"""A list obeys number_of_results and offset before R13.

Breaks 1.2: number_of_results and offset are available from R13.0.0; before, the parameters do
not exist and may only be ignored or refused (8.11).
"""

from typing import Any

from sound_server import reading
from sound_server.reading import Call
from sound_server.server import SoundServer

FACTS = "1.2: number_of_results, offset R13.0.0; section 6: before R13 no paging parameters exist"
CHOICES: dict[str, Any] = {}
RELEASE = "R12"


class Server(SoundServer):
    """Has the pages of R13 in each release."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, those of paging among them."""
        super().read_arguments(call)
        paged = any(name in call.parameters for name in reading.PAGING)
        if call.method == "list" and paged and self.key < (13, 0):
            reading.read_paging(self.choices, (13, 0), call)
