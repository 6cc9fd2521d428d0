"""One world of a mock, as a test holds it."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from crmcom_kit.mock_server.journal.call_view import CallView
from crmcom_kit.mock_server.journal.verification import Expected
from crmcom_kit.mock_server.python_api.arguments import number, text
from crmcom_kit.mock_server.python_api.calls import Calls, asserted, awaited
from crmcom_kit.mock_server.python_api.clock import Clock
from crmcom_kit.mock_server.python_api.contents import Entries, added, filled
from crmcom_kit.mock_server.python_api.deliveries import BuiltInReceiver, Deliveries
from crmcom_kit.mock_server.python_api.faults import Failing, failing
from crmcom_kit.mock_server.python_api.records import Records
from crmcom_kit.mock_server.usage_errors import NotFound, UsageError
from crmcom_kit.mock_server.webhooks.triggers import Fired, fire
from crmcom_kit.mock_server.world.world import DEFAULT, World
from crmcom_kit.schemas import API_PATH

if TYPE_CHECKING:
    import httpx
    from _typeshed.wsgi import WSGIApplication

    from crmcom_kit.mock_server.protocol.config import Credentials
    from crmcom_kit.mock_server.python_api.background import Background
    from crmcom_kit.mock_server.world.registry import WorldRegistry


@dataclass(frozen=True, slots=True)
class Site:
    """What the handles of one mock share."""

    registry: "WorldRegistry"
    app: "WSGIApplication"
    server: "Background"
    adding: threading.Lock = field(default_factory=threading.Lock)

    @property
    def token(self) -> str:
        """A token that always holds, in every world."""
        return self.registry.default.settings.fixed_tokens[0]


class MockWorld:
    """A world of its own: records, ids, tokens, clock, calls and faults."""

    def __init__(self, site: Site, name: str) -> None:
        """Hold the world of that name, which is made now where there is none.

        Raises:
            UsageError: no world can have that name.
            LimitExceeded: there are as many worlds as there may be.
        """
        self._site = site
        self.name = name
        self._brought: list[MockWorld] = []  # that were made through this one, and end with it
        self._path = "" if name == DEFAULT else f"/worlds/{name}"
        site.registry.get(name)
        #: Its webhook requests.
        self.records = Records(lambda: self.emulated.store)
        #: The calls that it got.
        self.calls = Calls(lambda: self.emulated)
        #: What it sent since the last reset.
        self.deliveries = Deliveries(lambda: self.emulated.current_epoch)
        #: Its own receiver of webhook requests.
        self.receiver = BuiltInReceiver(
            lambda: self.emulated.current_epoch, lambda: f"{self.admin_url}/receiver/in"
        )
        #: Its time.
        self.clock = Clock(lambda: self.emulated.clock)

    @property
    def emulated(self) -> World:
        """The world as the emulator has it; it is made anew where it was ended."""
        return self._site.registry.get(self.name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}, {len(self.records)} webhook requests>"

    @property
    def origin(self) -> str:
        """Scheme, host and port of the server, which is started where it does not run yet."""
        return self._site.server.address()

    @property
    def url(self) -> str:
        """The base URL of the API, which ends in ``/crmapi/rest/v2``; the server is started."""
        return f"{self.origin}{self._path}{API_PATH}"

    @property
    def admin_url(self) -> str:
        """The base URL of the control API, which ends in ``/__admin``; the server is started."""
        return f"{self.origin}{self._path}/__admin"

    @property
    def token(self) -> str:
        """A token that always holds; one that a fault made expire holds again after a reset."""
        return self._site.token

    @property
    def credentials(self) -> "Credentials":
        """Who may log in: user name, password, organisation, Web API key."""
        return self.emulated.settings.credentials

    @property
    def release(self) -> str:
        """The release that it emulates, such as ``R9.0.0``."""
        return self.emulated.release.name

    def client(self, **options: Any) -> "httpx.Client":
        """Return an httpx client of the API that needs no socket.

        Its ``base_url`` is that of this world, so that ``client.get("webhook_requests/show")`` is
        enough; whatever the host of another URL, the mock answers. A connection that a fault drops,
        and a body that it cuts, raise what they raise over a socket.

        Args:
            options: those of ``httpx.Client``.
        """
        import httpx

        from crmcom_kit.mock_server.python_api.client import HOST, InProcess

        base = f"http://{HOST}{self._path}{API_PATH}"
        app = InProcess(self._site.app, may_take_long=lambda: self.emulated.faults.has_active)
        return httpx.Client(**{"base_url": base, "transport": app, **options})

    def world(self, name: str) -> "MockWorld":
        """Return another world of the same mock, made now where there is none.

        Raises:
            UsageError: no world can have that name.
            LimitExceeded: there are as many worlds as there may be.
        """
        is_new = not self._is_there(text("name", name))
        other = MockWorld(self._site, name)
        if is_new and self.name != DEFAULT:  # which never ends
            self._brought.append(other)
        return other

    @property
    def brought(self) -> tuple["MockWorld", ...]:
        """The worlds that were made through this one, and end with it."""
        return tuple(self._brought)

    def _is_there(self, name: str) -> bool:
        try:
            self._site.registry.find(name)
        except NotFound:
            return False
        return True

    def end(self) -> None:
        """Forget this world and those that were made through it; their next use makes them anew.

        Raises:
            UsageError: it is the default world.
        """
        with suppress(NotFound):
            self._site.registry.end(self.name)
        while self._brought:
            self._brought.pop().end()

    # What goes wrong.

    def fail(self, preset: str | None = None, /, **given: Any) -> Failing:
        """Let something go wrong from now on, until it is removed or over.

            with mock.fail("outage", seconds=30): …
            with mock.fail(operation="resend", drop=True, when="after_commit", times=1): …
            lost = mock.fail("lost answer"); …; lost.remove()

        Args:
            preset: the name of a kind of trouble; what it takes, ``crmcom_kit``'s control API
                lists below ``/__admin/faults/presets``.
            given: without a preset, what happens (``delay`` in milliseconds, ``status``,
                ``retry_after``, ``error``, ``drop``, ``cut``, ``malformed``, ``expire_token``,
                ``delete_record``), to which calls (``operation``, ``identifier``, ``parameters``,
                ``nth``, ``after``), and when (``when``, ``times``, ``probability``, ``ttl`` in
                seconds); ``name`` is what the journal calls it.

        Raises:
            UsageError, NotFound: an argument is not allowed, or there is no such preset.
            LimitExceeded: there are as many faults as may be.
        """
        return failing(self.emulated.faults, preset, given)

    # Who called.

    def assert_called(
        self, *, times: Expected = None, timeout: float = 0.0, **pattern: Any
    ) -> list[CallView]:
        """Hold the calls so far to what was expected, and return those that fit.

            mock.assert_called(operation="resend", identifier={"number": "7"}, times=1)

        Args:
            times: how many should fit: a number, or ``{"atLeast": 1, "atMost": 3}``; at least one
                where left out.
            timeout: how many seconds to wait for them.
            pattern: what is asked of a call: ``operation``, ``identifier``, ``parameters``,
                ``status``, ``code``, ``error_kind``, ``state_before``, ``state_after``, ``fault``
                and whatever else a pattern of the control API has.

        Raises:
            AssertionError: other than expected; its text names the nearest calls.
            UsageError: the pattern cannot be read.
        """
        __tracebackhide__ = True
        return asserted(self.emulated, times, number("timeout", timeout), pattern)

    def assert_not_called(self, **pattern: Any) -> None:
        """Hold that no call fits the pattern, or that there was none. Raises AssertionError."""
        __tracebackhide__ = True
        asserted(self.emulated, 0, 0.0, pattern)

    def wait_for(
        self,
        until: Callable[[], object] | None = None,
        /,
        *,
        record: str | int | None = None,
        state: str | None = None,
        delivery: str | int | bool | None = None,
        times: Expected = None,
        timeout: float = 5.0,
        **pattern: Any,
    ) -> Any:
        """Return once something has happened, by the machine's time.

            mock.wait_for(operation="resend", times=2)
            mock.wait_for(record="7", state="SUCCESSFUL")
            mock.wait_for(state="REJECTED", times={"atMost": 0})
            mock.wait_for(delivery="7")
            mock.wait_for(lambda: len(mock.records) < 3)

        Args:
            until: a function that says, by what it returns, whether it has happened.
            record: the number or id of a webhook request that is to be there, or in ``state``.
            state: SUCCESSFUL or REJECTED; of one record also SENDING or DELETED, which one that
                never was is not.
            delivery: the number or id of a webhook request of which an attempt is to be over;
                True for one of any.
            times: how many calls or records.
            timeout: how many seconds to wait.
            pattern: which calls, as for ``assert_called``.

        Returns:
            The calls, what the function returned, what is told of the records, or the attempt.

        Raises:
            AssertionError: it has not happened in time; its text says what is there.
            UsageError: an argument is not allowed.
        """
        __tracebackhide__ = True
        number("timeout", timeout)
        others = (until, record, state)
        if delivery not in (None, False):
            if pattern or others != (None, None, None):
                raise UsageError(
                    "delivery", seen="beside others", allowed="a delivery, or the others"
                )
            return self.deliveries.awaited(None if delivery is True else str(delivery), timeout)
        if pattern:
            if others != (None, None, None):
                raise UsageError(
                    "pattern", seen="beside others", allowed="a pattern, or the others"
                )
            return asserted(self.emulated, times, timeout, pattern)
        return awaited(self.emulated, until, record, state, times, timeout)

    # What it holds.

    def seed(
        self, entries: Entries | None = None, /, *, scenario: str | None = None, **knobs: Any
    ) -> int:
        """Fill the world with something else, and return how many webhook requests it has then.

            mock.seed(count=50, rejected=0.5, entities=["JOBS"])
            mock.seed(scenario="receiver_outage", count=20)
            mock.seed("world.jsonl")
            mock.seed([])

        Calls, faults and clock stay as they are.

        Args:
            entries: the path of a world file, or world entries.
            scenario: a name of ``crmcom_kit.fixtures.scenarios.SCENARIOS``.
            knobs: those of ``crmcom_kit.fixtures.world``, or ``seed`` and ``count`` of a scenario.

        Raises:
            DataError, FixtureError: it cannot be filled so, and nothing has changed.
            UsageError: entries beside others.
        """
        return filled(self.emulated, entries, scenario, knobs)

    def add(self, *, index: int | None = None, **members: Any) -> dict[str, Any]:
        """Add one webhook request, believable and with members of your own, and return it.

            mock.add(entity="JOBS", life_cycle_state="REJECTED")

        Args:
            index: which of those that the mock's seed generates; the one behind the largest number
                of the world where left out.
            members: its members by name, as for ``crmcom_kit.fixtures.webhook_request``.

        Raises:
            FixtureError: no webhook request can have these members.
            DataError: it contradicts what is there, and nothing has changed.
        """
        with self._site.adding:  # or two at once would take the same number
            record: dict[str, Any] = orjson.loads(added(self.emulated, index, members))
        return record

    # What is sent.

    def fire(self, entity: str, definition: str, data: Mapping[str, Any], **given: Any) -> Fired:
        """Let a workflow rule trigger a webhook: make it, sign it, deliver it, keep it.

            mock.fire("ACTIVITIES", "ACT CREATE", {"number": "A1"}, url=mock.receiver.url)

        Args:
            entity: what the data is about.
            definition: name, alternative code or id of a webhook definition.
            data: the entity; of it goes out what the definition's fields set names.
            given: ``rule``, ``entity_id`` and ``url``, where the usual ones will not do.

        Raises:
            UsageError, NotFound, DataError: it cannot be fired.
        """
        for name, value in (("definition", definition), *given.items()):
            text(name, value)
        if not isinstance(data, Mapping):
            raise UsageError("data", seen=repr(data), allowed="the members of an entity, a dict")
        return fire(self.emulated.current_epoch, entity, definition, data, **given)

    # The content as a whole.

    def reset(self) -> None:
        """Go back to how the world began: records, ids, clock, calls, faults, deliveries."""
        self.emulated.reset()

    def snapshot(self, name: str) -> None:
        """Keep the present content under a name. Raises LimitExceeded, UsageError."""
        self.emulated.save(text("name", name))

    def restore(self, name: str) -> None:
        """Go back to the content that ``snapshot`` kept; calls and faults stay. Raises NotFound."""
        self.emulated.restore(text("name", name))
