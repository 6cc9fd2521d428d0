"""Others' work is seen up to two seconds late: show and list are cached until one writes."""

import json
from collections.abc import Callable
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer

FACTS = "section 6 (caching: not visible) and 8.21"
CHOICES = {"others_every": 5}
SECONDS = 2


class Server(SoundServer):
    """Keeps data for two seconds; the token and the parameters are always checked."""

    def set_up(self) -> None:
        """Start with an empty cache."""
        super().set_up()
        self.cache_data: dict[str, tuple[float, Any]] = {}

    def cached(self, call: Call, work: Callable[[Call], Any]) -> Any:
        """Return the data of a call, made at most two seconds ago."""
        given = {name: value for name, value in call.parameters.items() if name != "token"}
        key = json.dumps([call.method, given], sort_keys=True)
        made, data = self.cache_data.get(key, (0.0, None))
        if data is None or self.now - made > SECONDS:
            data = work(call)
            self.cache_data[key] = (self.now, data)
        return data

    def do_show(self, call: Call) -> Any:
        """Return one record."""
        return self.cached(call, super().do_show)

    def do_list(self, call: Call) -> Any:
        """Return what filters select."""
        return self.cached(call, super().do_list)

    def do_resend(self, call: Call) -> Any:
        """Send a record again, and forget what was kept."""
        self.cache_data.clear()
        return super().do_resend(call)

    def do_delete(self, call: Call) -> Any:
        """Delete a record, and forget what was kept."""
        self.cache_data.clear()
        return super().do_delete(call)
