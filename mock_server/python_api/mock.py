"""A mock in this process: made, served over HTTP where that is wanted, and ended."""

from types import TracebackType
from typing import Any

from crmcom_kit.mock_server.cli.delivery_options import places
from crmcom_kit.mock_server.http.fastlane import FastLane, LateFlask
from crmcom_kit.mock_server.python_api.background import Background
from crmcom_kit.mock_server.python_api.world import MockWorld, Site
from crmcom_kit.mock_server.world.factory import make_world
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import DEFAULT

TOKEN = "crmcom-mock-token"
_THREADS = 8

#: How long a delivery that runs may take to end by itself once the mock is stopped.
_DELIVERY_SECONDS = 0.5


class Mock(MockWorld):
    """A mock of the API, and its default world.

    It is served over HTTP from the moment when ``start`` is called or its address is asked for, in
    a thread of this process; a client of ``client()`` needs no server.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        threads: int = _THREADS,
        **options: Any,
    ) -> None:
        """Make the mock; ``crmcom_mock`` says what the arguments are."""
        options["tokens"] = options.get("tokens") or (TOKEN,)
        options.setdefault("at_once", places(options.get("deliver", "scripted"), threads))
        registry = WorldRegistry(make_world(**options), waiting=threads // 2, host=host)
        app = FastLane(LateFlask(registry), registry)
        server = Background(
            app,
            host=host,
            port=port,
            threads=threads,
            closing=registry.closing,
            at_once=app.at_once,
        )
        super().__init__(Site(registry, app, server), DEFAULT)

    def start(self) -> "Mock":
        """Serve over HTTP, unless that is so already. Raises ServeError."""
        self._site.server.start()
        return self

    def stop(self) -> None:
        """Serve no longer; what it holds stays, and another start serves it again."""
        self._site.server.stop()
        deliveries = self._site.registry.default.delivery_queue
        deliveries.close(_DELIVERY_SECONDS)
        deliveries.reopen()  # for a client in process, or another start

    def __enter__(self) -> "Mock":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def crmcom_mock(**options: Any) -> Mock:
    """Return a mock for tests: ``with`` this one as ``mock`` it is stopped at the end of the block.

    ``start()`` and ``stop()`` do without ``with``. There may be several at once.

    Args:
        options: those of ``make_world``, where ``tokens`` are one where left out; and

            - host: the address to listen on, 127.0.0.1 where left out;
            - port: the port to listen on; a free one where left out;
            - threads: requests answered at the same time, 8 where left out.

    Raises:
        UnknownRelease, DialectError, DataError: an option is not allowed.
    """
    return Mock(**options)
