"""A server's worlds in a process of their own: ``RECORDS``, those of the start world."""

import gc
import sys
from time import process_time
from typing import Any

from benchmarks import mock
from benchmarks.children import own_memory, serve
from crmcom_kit.fixtures import world as generated
from crmcom_kit.mock_server.http.fastlane import FastLane
from crmcom_kit.mock_server.world.registry import WorldRegistry


def _main(records: int) -> None:
    start = mock.filled_world(generated(count=records, release=mock.RELEASE))
    registry = WorldRegistry(start, most=10**6)
    app = FastLane(mock.create_app(registry), registry)

    def make(count: int) -> float:
        registry.end_all()
        gc.collect()
        began = process_time()
        for at in range(count):
            registry.get(f"w{at}")
        return (process_time() - began) / count * 1_000_000

    def memory(count: int) -> dict[str, Any]:
        registry.end_all()
        gc.collect()
        before = own_memory()
        for at in range(count):
            registry.get(f"w{at}")
        made = own_memory() - before
        for at in range(count):
            environ = mock.get("webhook_requests/show", webhook_request_identifier="number=7")
            environ["HTTP_X_MOCK_WORLD"] = f"w{at}"
            mock.answer(app, environ)
        return {"made": made, "asked": own_memory() - before}

    serve({"make": make, "memory": memory})


if __name__ == "__main__":
    _main(int(sys.argv[1]))
