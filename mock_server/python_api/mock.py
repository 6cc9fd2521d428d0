"""A mock in this process: created, served over HTTP on request, and stopped."""

from inspect import signature
from typing import Any, Self

from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.python_api.arguments import hides_our_frames, integer
from crmcom_kit.mock_server.python_api.background import Background
from crmcom_kit.mock_server.python_api.world import MockWorld
from crmcom_kit.mock_server.world.factory import make_world
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import DEFAULT
from crmcom_kit.removed_names import remedy
from crmcom_kit.usage_errors import UsageError

TOKEN = "crmcom-mock-token"
#: Seconds in which running deliveries may end once the mock is stopped.
_DELIVERY_SECONDS = 0.5


class Mock(MockWorld):
    """A mock of the API, and its default world.

    A thread of this process serves it over HTTP once ``start`` is called or its address is used.
    """

    __slots__ = ()

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, **options: Any) -> None:
        """Create the mock; ``crmcom_mock`` describes the arguments."""
        names = signature(make_world).parameters
        for name in sorted(options.keys() - names):
            allowed = f"one of host, port, {', '.join(names)}{remedy(name)}"
            raise UsageError(name, seen="as an argument of crmcom_mock", allowed=allowed)
        options["tokens"] = options.get("tokens") or (TOKEN,)
        integer("port", port, 0, 65_535)
        access = Access(names=frozenset([host.lower()]))
        registry = WorldRegistry(make_world(**options), access=access)
        server = Background(registry, host=host, port=port)
        super().__init__(registry, server, DEFAULT)

    def start(self) -> Self:
        """Start to serve over HTTP, unless it serves already. Raises ServeError."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving; the content stays, and ``start`` serves it again.

        A request that a fault holds back is not carried out, and its connection is dropped.
        """
        self._server.stop()
        deliveries = self._registry.default.delivery_queue
        deliveries.close(_DELIVERY_SECONDS)
        deliveries.reopen()  # for webhooks that the test triggers, or another start

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.catch_up()
        self.stop()


@hides_our_frames
def crmcom_mock(**options: Any) -> Mock:
    """Return a mock for tests; as a context manager it is stopped at the end of the block.

    There may be several at once.

    Args:
        options: those of ``make_world``, with a default token; and

            - host: the address to listen on, 127.0.0.1 by default;
            - port: the port to listen on, a free one by default.

    Raises:
        UsageError: there is no such option.
        UnknownRelease, DialectError, DataError: an option is not allowed.
    """
    return Mock(**options)
