"""One world of a mock, for tests."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from crmcom_kit.mock_server.python_api.arguments import methods_hide_our_frames, text
from crmcom_kit.mock_server.python_api.clock import ClockControl
from crmcom_kit.mock_server.python_api.content import RecordsView, WorldContent
from crmcom_kit.mock_server.python_api.deliveries import Deliveries
from crmcom_kit.mock_server.python_api.faults import WorldFaults
from crmcom_kit.mock_server.python_api.requests import RequestsView, WorldRequests
from crmcom_kit.mock_server.world.webhooks.triggers import TriggerResult, fire
from crmcom_kit.mock_server.world.world import DEFAULT
from crmcom_kit.schemas import API_PATH
from crmcom_kit.usage_errors import NotFound, UsageError

if TYPE_CHECKING:
    import httpx

    from crmcom_kit.mock_server.protocol.config import Credentials
    from crmcom_kit.mock_server.python_api.background import Background
    from crmcom_kit.mock_server.world.registry import WorldRegistry


@methods_hide_our_frames
class MockWorld(WorldContent, WorldRequests, WorldFaults):
    """A world with its own records, ids, tokens, clock, journal and faults."""

    __slots__ = ("_path", "children", "clock", "deliveries", "records", "requests")

    def __init__(self, registry: "WorldRegistry", server: "Background", name: str) -> None:
        """Use the world of that name; it is created if it does not exist.

        Raises:
            UsageError: the name is not allowed.
        """
        super().__init__(registry, server, name)
        #: The worlds that were created through this one; they end with it.
        self.children: list[MockWorld] = []
        self._path = "" if name == DEFAULT else f"/worlds/{name}"
        #: Its webhook requests.
        self.records = RecordsView(lambda: self.emulated)
        #: The requests that it received.
        self.requests = RequestsView(lambda: self.emulated)
        #: Its deliveries since the last reset.
        self.deliveries = Deliveries(lambda: self.emulated.current_epoch)
        #: Its clock.
        self.clock = ClockControl(lambda: self.emulated)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}, {len(self.records)} webhook requests>"

    @property
    def url(self) -> str:
        """The base URL of the API, which ends in ``/crmapi/rest/v2``; starts the server."""
        return f"{self._server.address()}{self._path}{API_PATH}"

    @property
    def admin_url(self) -> str:
        """The base URL of the control API, which ends in ``/__admin``; starts the server."""
        return f"{self._server.address()}{self._path}/__admin"

    @property
    def token(self) -> str:
        """A fixed token without a time limit. A fault may end it; a reset makes it valid again."""
        return self._registry.default.config.fixed_tokens[0]

    @property
    def credentials(self) -> "Credentials":
        """The credentials that may log in: user name, password, organisation, Web API key."""
        return self.emulated.config.credentials

    @property
    def release(self) -> str:
        """The emulated release, such as ``R9.0.0``."""
        return self.emulated.config.release.name

    def client(self, **options: Any) -> "httpx.Client":
        """Return an httpx client of the API; starts the server.

        Its ``base_url`` is that of this world: use ``client.get("webhook_requests/show")``. It
        keeps no connection between requests, so it need not be closed.

        Args:
            options: the options of ``httpx.Client``. The client trusts no certificate, since the
                mock speaks http here; ``verify=True`` trusts those of the system.

        Raises:
            ModuleNotFoundError: httpx is not installed; the mock itself does not need it.
        """
        import ssl

        import httpx

        defaults = {
            "base_url": self.url,
            "limits": httpx.Limits(max_keepalive_connections=0),
            "trust_env": False,  # no proxy to this machine
            # Trusts nobody: the mock speaks http here, and loading the system's CAs takes 7 ms.
            "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        }
        return httpx.Client(**{**defaults, **options})

    def world(self, name: str) -> "MockWorld":
        """Return another world of the same mock; it is created if it does not exist.

        A world that is created through another one ends with it, except through the default world.

        Raises:
            UsageError: the name is not allowed.
        """
        is_new = self._registry.find(text("name", name)) is None
        world = MockWorld(self._registry, self._server, name)
        if is_new and self.name != DEFAULT:
            self.children.append(world)
        return world

    def end(self) -> None:
        """Remove this world and its children; the next use creates them again.

        Raises:
            UsageError: it is the default world.
        """
        with suppress(NotFound):
            self._registry.end(self.name)
        while self.children:
            self.children.pop().end()

    def fire(
        self,
        entity: str,
        definition: str,
        data: Mapping[str, Any],
        *,
        url: str | None = None,
        fault: str | None = None,
    ) -> TriggerResult:
        """Trigger a webhook as a workflow rule would: create, sign, deliver and keep it.

            mock.fire("ACTIVITIES", "ACT CREATE", {"number": "A1"}, url="http://127.0.0.1:5002/hook")

        Args:
            entity: the entity that the data describes.
            definition: name, alternative code or id of a webhook definition.
            data: the entity's members; the fields set of the definition selects those to send.
            url: its destination; the definition's URL by default.
            fault: a fault in the delivery: *wrong_signature*, *old_key*, *cut_body* or
                *duplicate*.

        Raises:
            UsageError, NotFound, DataError: it cannot be triggered.
        """
        text("definition", definition)
        if url is not None:
            text("url", url)
        if not isinstance(data, Mapping):
            raise UsageError("data", seen=repr(data), allowed="the members of an entity, a dict")
        epoch = self.emulated.current_epoch
        return fire(epoch, entity, definition, data, url=url, fault=fault)
