"""One world of a mock as a test uses it."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from copy import deepcopy
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Unpack

import orjson

from crmcom_kit.fixtures.moments import as_text
from crmcom_kit.mock_server.faults.expectations import ExpectedRefusal
from crmcom_kit.mock_server.journal.entry_view import EntryView
from crmcom_kit.mock_server.journal.patterns import MEMBERS, check_members
from crmcom_kit.mock_server.journal.verification import Expected
from crmcom_kit.mock_server.python_api.arguments import (
    methods_end_at_the_caller,
    number,
    text,
)
from crmcom_kit.mock_server.python_api.clock import ClockControl
from crmcom_kit.mock_server.python_api.content import (
    Entries,
    Record,
    RecordsView,
    add_entry,
    seed_world,
)
from crmcom_kit.mock_server.python_api.deliveries import BuiltInReceiver, Deliveries
from crmcom_kit.mock_server.python_api.faults import Failing, failing
from crmcom_kit.mock_server.python_api.keywords import (
    Awaited,
    FaultArguments,
    Operations,
    RecordMembers,
    RefusalArguments,
    RequestPattern,
    SeedArguments,
    Value,
)
from crmcom_kit.mock_server.python_api.requests import (
    RequestsView,
    assert_requests,
    wait_for,
)
from crmcom_kit.mock_server.world.changes import change_record, remove_record
from crmcom_kit.mock_server.world.webhooks.triggers import Fired, fire
from crmcom_kit.mock_server.world.world import DEFAULT, World
from crmcom_kit.schemas import API_PATH
from crmcom_kit.usage_errors import NotFound, UsageError

if TYPE_CHECKING:
    import httpx

    from crmcom_kit.mock_server.protocol.config import Credentials
    from crmcom_kit.mock_server.python_api.background import Background
    from crmcom_kit.mock_server.world.registry import WorldRegistry


@methods_end_at_the_caller
class MockWorld:
    """A world with its own records, ids, tokens, clock, journal and faults."""

    def __init__(self, registry: "WorldRegistry", server: "Background", name: str) -> None:
        """Use the world of that name; it is created if it does not exist.

        Raises:
            UsageError: the name is not allowed.
        """
        self._registry, self._server = registry, server
        self.name = name
        #: The worlds that were created through this one, and end with it.
        self.children: list[MockWorld] = []
        self._path = "" if name == DEFAULT else f"/worlds/{name}"
        registry.get(name)
        #: Its webhook requests.
        self.records = RecordsView(lambda: self.emulated)
        #: The requests that it received.
        self.requests = RequestsView(lambda: self.emulated)
        #: Its deliveries since the last reset.
        self.deliveries = Deliveries(lambda: self.emulated.current_epoch)
        #: Its built-in receiver of webhooks.
        self.receiver = BuiltInReceiver(
            lambda: self.emulated.current_epoch, lambda: f"{self.admin_url}/receiver/in"
        )
        #: Its clock.
        self.clock = ClockControl(lambda: self.emulated.clock)

    @property
    def calls(self) -> RequestsView:
        """The former name of ``requests``."""
        warnings.warn("calls is now requests", DeprecationWarning, stacklevel=2)
        return self.requests

    @property
    def emulated(self) -> World:
        """The emulator's world of this name; it is created again if it was ended."""
        return self._registry.get(self.name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}, {len(self.records)} webhook requests>"

    @property
    def origin(self) -> str:
        """Scheme, host and port of the server, which is started if it does not run yet."""
        return self._server.address()

    @property
    def url(self) -> str:
        """The base URL of the API, which ends in ``/crmapi/rest/v2``; starts the server."""
        return f"{self.origin}{self._path}{API_PATH}"

    @property
    def admin_url(self) -> str:
        """The base URL of the control API, which ends in ``/__admin``; starts the server."""
        return f"{self.origin}{self._path}/__admin"

    @property
    def token(self) -> str:
        """A token that never expires. If a fault made it expire, a reset makes it valid again."""
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

        Its ``base_url`` is that of this world, so that ``client.get("webhook_requests/show")`` is
        enough. It keeps no connection between requests, so that it need not be closed.

        Args:
            options: those of ``httpx.Client``.

        Raises:
            ModuleNotFoundError: httpx is not installed; the mock itself does not need it.
        """
        import httpx

        ours = {
            "base_url": self.url,
            "limits": httpx.Limits(max_keepalive_connections=0),
            "trust_env": False,  # a proxy of the environment is not for this machine
        }
        return httpx.Client(**{**ours, **options})

    def world(self, name: str) -> "MockWorld":
        """Return another world of the same mock; it is created if it does not exist.

        A world that is created through another one ends with it, except through the default world.

        Raises:
            UsageError: the name is not allowed.
        """
        is_new = self._registry.existing(text("name", name)) is None
        other = MockWorld(self._registry, self._server, name)
        if is_new and self.name != DEFAULT:
            self.children.append(other)
        return other

    def end(self) -> None:
        """Remove this world and its children; the next use creates them again.

        Raises:
            UsageError: it is the default world.
        """
        with suppress(NotFound):
            self._registry.end(self.name)
        while self.children:
            self.children.pop().end()

    # Faults.

    def fail(self, preset: str | None = None, /, **given: Unpack[FaultArguments]) -> Failing:
        """Inject a fault until it is removed or used up.

            with mock.fail("outage", seconds=30): ...
            with mock.fail(operation="resend", drop=True, when="after_commit", times=1): ...
            lost = mock.fail("lost answer"); ...; lost.remove()

        Args:
            preset: the name of a preset; the control API lists them and their arguments at
                ``/__admin/faults/presets``.
            given: without a preset, the effect (``delay`` in seconds, ``status``, ``retry_after``,
                ``error``, ``respond``, ``drop``, ``cut``, ``malformed``, ``expire_token``,
                ``delete_record``), the requests that it hits (``operation``, ``record``, ``nth``,
                ``after``), and when (``when``, ``times``, ``lifetime`` in seconds); ``name`` is its
                name in the journal.

        Raises:
            UsageError, NotFound: an argument is not allowed, or there is no such preset.
            LimitExceeded: there are as many faults as allowed.
        """
        return failing(self.emulated.faults, preset, given)

    def assert_faults_hit(self) -> None:
        """Assert that each fault since the last reset has hit a request, or one of its preset.

        Raises:
            AssertionError: some hit none, whether they are still active or not.
        """
        __tracebackhide__ = True
        self._server.catch_up()
        assert_none("faults that hit no request", map(str, self.emulated.faults.never_hit()))

    def expect_refusal(
        self, operation: Operations | None = None, **given: Unpack[RefusalArguments]
    ) -> ExpectedRefusal:
        """Say that requests from now on will be refused, on purpose.

            mock.expect_refusal(operation="resend", error="not_rejected", times=1)

        The journal marks them, and ``assert_nothing_unexpected`` lets them pass. An error that a
        fault made is no refusal, and does not count.

        Args:
            operation: an operation, or several; any by default.
            given: ``record``, the number or id of the webhook request that they name; ``error``,
                the kind of the error, or several, such as ``unknown_webhook_request``; ``times``,
                how many refusals, no more and no less, at least one by default.

        Returns:
            What is expected; its ``count`` is how many came so far.

        Raises:
            UsageError: an argument is not allowed.
            LimitExceeded: there are as many expected refusals as allowed.
        """
        asked = {"operation": operation, **given}
        spec = {name: value for name, value in asked.items() if value is not None}
        return self.emulated.current_epoch.expectations.expect(spec)

    def assert_nothing_unexpected(self) -> None:
        """Assert that a test said of all that went wrong since the last reset that it would.

        That is what ``crmcom_strict`` asserts at the end of each test.

        Raises:
            AssertionError: a request was refused and no test expects it, or had parameters that
                the mock ignored; a fault was never hit; or an expected refusal never came.
        """
        __tracebackhide__ = True
        self._server.catch_up()
        assert_none("unexpected", self.emulated.unexpected())

    # Requests.

    def assert_called(
        self,
        operation: Value | None = None,
        *,
        times: Expected = None,
        **pattern: Unpack[RequestPattern],
    ) -> list[EntryView]:
        """Assert that matching requests were made as often as expected, and return them.

        Refused requests count, unless ``served`` is True. So do those that have no response yet;
        ``wait_for`` waits for those to come.

            mock.assert_called(operation="resend", record="7", times=1)

        Args:
            operation: the API's method, such as ``resend``.
            times: how many matching requests are expected, or ``{"at_least": 1, "at_most": 3}``;
                at least one by default.
            pattern: what else must be true of a request: ``record`` (the number or id of a
                webhook request), ``parameters``, ``outcome`` (accepted or refused), ``served``
                (whether the API has carried it out), ``status``, ``code``, ``state_before``,
                ``state_after`` and ``fault`` (a name, or whether any). Instead of a value,
                ``{"absent": True}`` asks for none.

        Raises:
            AssertionError: the number differs; the message names the nearest ones.
            UsageError: the pattern is not allowed, or the journal had no room for requests that may
                make a difference.
        """
        __tracebackhide__ = True
        self._server.catch_up()
        return assert_requests(self.emulated, {**_pattern(operation, pattern), "times": times})

    def assert_not_called(
        self, operation: Value | None = None, **pattern: Unpack[RequestPattern]
    ) -> None:
        """Assert that no request matches the pattern; without one, that there was no request.

        Raises:
            AssertionError: a request matches, or may match once it has a response.
            UsageError: the pattern is not allowed, or the journal had no room for requests that may
                match.
        """
        __tracebackhide__ = True
        check_members(pattern, MEMBERS)
        self._server.catch_up()
        assert_requests(self.emulated, {**_pattern(operation, pattern), "times": 0})

    def wait_for(
        self,
        until: Callable[[], object] | None = None,
        /,
        *,
        timeout: float = 5.0,
        **asked: Unpack[Awaited],
    ) -> Any:
        """Wait until something has happened, measured by the machine's time.

            mock.wait_for(operation="resend", times=2)
            mock.wait_for(record="7", state="SUCCESSFUL")
            mock.wait_for(delivery="7", delivered=True)
            mock.wait_for(lambda: len(mock.records) < 3)

        Args:
            until: a function that returns something true once it has happened.
            timeout: how many seconds to wait.
            asked: which requests, see ``assert_called``, with ``times``; they count when they
                have a response. Or one ``record``, by number or id, that exists or is in ``state``:
                SUCCESSFUL, REJECTED, SENDING or DELETED. Or ``delivery``, the record with a
                finished delivery, True for any, and whether it was ``delivered``.

        Returns:
            The requests, the result of the function, the record's state, or the attempt.

        Raises:
            AssertionError: it has not happened in time; the message says what was found instead.
            UsageError: an argument is not allowed.
        """
        __tracebackhide__ = True
        return wait_for(self.emulated, until, number("timeout", timeout), asked)

    # Content.

    def seed(
        self,
        entries: Entries | None = None,
        /,
        *,
        scenario: str | None = None,
        **knobs: Unpack[SeedArguments],
    ) -> int:
        """Replace the world's content, and return how many webhook requests it has then.

            mock.seed(count=50, rejected=0.5, entities=["JOBS"])
            mock.seed(since="100 days", until="now")
            mock.seed(scenario="receiver_outage", since="10 days")
            mock.seed("world.jsonl")
            mock.seed([])

        Journal, faults and clock stay as they are; delivery scripts do without a scenario.

        Args:
            entries: the path of a world file, or what it has: world entries, or webhook requests
                as responses show them, several or one.
            scenario: a name of ``crmcom_kit.fixtures.scenarios.SCENARIOS``. How deliveries end
                from then on is a part of it; ``deliveries.script("success")`` ends it.
            knobs: arguments of ``crmcom_kit.fixtures.world``, where ``since`` and ``until`` may be
                ages, too: "100 days" or a timedelta before the world's time, or "now". A
                scenario takes ``seed`` and ``count``, and these two unless it has its own dates.

        Raises:
            DataError, FixtureError: the content is not allowed; nothing has changed.
            UsageError: entries with other arguments.
        """
        return seed_world(self.emulated, entries, scenario, knobs)

    def add(
        self,
        *,
        age: str | timedelta | None = None,
        created_date: str | date | None = None,
        **members: Unpack[RecordMembers],
    ) -> Record:
        """Add one realistic webhook request with the given members, and return it.

            mock.add(entity="JOBS", life_cycle_state="REJECTED")
            mock.add(age="100 days")
            mock.add(created_date="2026-11-01")

        Without a date, the webhook request is created after all that the world has, or now if it
        has none. Without ``life_cycle_state`` it may be SUCCESSFUL or REJECTED.

        Args:
            age: how long before the world's time it was created.
            created_date: when it was created instead: a date, or a date and time. One without a
                time zone is taken as responses show dates.
            members: its members by name, as for ``crmcom_kit.fixtures.webhook_request``. ``data``
                is the data object that was sent. Of a definition or rule of this world, as in
                ``webhook_definition={"id": …}``, the id, the name or the alternative code is
                enough.

        Raises:
            DataError: no webhook request can have these members, or it contradicts the world's
                content; nothing has changed.
        """
        moments = {"age": age, "created_date": created_date}
        dates = {name: as_text(moment) for name, moment in moments.items() if moment is not None}
        return add_entry(self.emulated, "webhook_request", _entry({**members, **dates}))

    def change(self, record: str | int, /, **members: Unpack[RecordMembers]) -> Record:
        """Change members of a webhook request, by its number or id, and return it.

            mock.change("7", life_cycle_state="SUCCESSFUL")
            mock.change("7", log_information={"created_date": "2024-05-01T10:00:00"})

        Args:
            record: its number or id.
            members: its members by name; ``log_information`` is merged into the one that is
                there. ``data`` is the data object that is sent. What depends on these follows: a
                SUCCESSFUL one has no error, a REJECTED one a time-out unless ``error_code`` is
                given.

        Raises:
            NotFound: there is no such webhook request.
            UsageError, DataError: it cannot become this; nothing has changed.
            Conflict: it is being sent, or another change came first.
        """
        world = self.emulated
        changed = change_record(world, world.current_epoch, str(record), _entry(members))
        shown: Record = orjson.loads(changed.body)
        return shown

    def remove(self, record: str | int) -> Record:
        """Remove a webhook request, by its number or id; return it as it was. Raises NotFound."""
        shown: Record = orjson.loads(remove_record(self.emulated.current_epoch, str(record)).body)
        return shown

    @property
    def definitions(self) -> list[dict[str, Any]]:
        """The webhook definitions, in the order in which they were added; copies."""
        return deepcopy(list(self.emulated.current_epoch.reference_data.definitions))

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The workflow rules, in the order in which they were added; copies."""
        return deepcopy(list(self.emulated.current_epoch.reference_data.rules))

    def add_definition(self, **members: Any) -> dict[str, Any]:
        """Add a webhook definition, and return it; it gets an id if it has none.

            mock.add_definition(name="Jobs", entity="JOBS", url=mock.receiver.url)

        Args:
            members: ``id``, ``name``, ``alternative_code``, ``description``, ``life_cycle_state``,
                ``entity``, ``url``, ``fields_set`` and ``secret_key_id``.

        Raises:
            DataError: it is not allowed; nothing has changed.
        """
        return add_entry(self.emulated, "webhook_definition", members)

    def add_rule(self, **members: Any) -> dict[str, Any]:
        """Add a workflow rule, and return it; it gets an id if it has none.

        Args:
            members: those of a definition up to ``entity``, and ``webhook_definition_ids``.

        Raises:
            DataError: it is not allowed; nothing has changed.
        """
        return add_entry(self.emulated, "workflow_rule", members)

    @property
    def secret_keys(self) -> list[dict[str, Any]]:
        """The keys that sign webhooks, ``key`` included, in the order of their addition; copies."""
        return deepcopy(list(self.emulated.current_epoch.reference_data.keys))

    def add_secret_key(self, **members: Any) -> dict[str, Any]:
        """Add a key that signs webhooks, and return it; id and key are generated if not given.

            own = mock.add_secret_key(name="Mine", key="for tests only")
            mock.add_definition(name="Jobs", entity="JOBS", secret_key_id=own["id"])

        Args:
            members: ``id``, ``name``, ``alternative_code``, ``description``, ``url_endpoint`` and
                ``key``.

        Raises:
            DataError: it is not allowed; nothing has changed.
        """
        return add_entry(self.emulated, "secret_key", members)

    # Deliveries.

    def fire(
        self,
        entity: str,
        definition: str,
        data: Mapping[str, Any],
        *,
        url: str | None = None,
        fault: str | None = None,
    ) -> Fired:
        """Trigger a webhook as a workflow rule would: create, sign, deliver and keep it.

            mock.fire("ACTIVITIES", "ACT CREATE", {"number": "A1"}, url=mock.receiver.url)

        Args:
            entity: the entity that the data describes.
            definition: name, alternative code or id of a webhook definition.
            data: the entity's members; the fields set of the definition selects what is sent.
            url: where it is sent; the definition's own by default.
            fault: what is wrong with the delivery on purpose: *wrong_signature*, *old_key*,
                *cut_body* or *duplicate*.

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

    # Reset and snapshots.

    def reset(self) -> None:
        """Go back to the initial content; also resets ids, clock, journal, faults, deliveries."""
        self.emulated.reset()

    def snapshot(self, name: str) -> None:
        """Save the current content under a name. Raises LimitExceeded, UsageError."""
        self.emulated.save(text("name", name))

    def restore(self, name: str) -> None:
        """Go back to the content of a ``snapshot``; journal and faults stay. Raises NotFound."""
        self.emulated.restore(text("name", name))


def _entry(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a world file that has these members, and the data among them."""
    record = {**members}
    data = {"data": record.pop("data")} if "data" in record else {}
    return {"record": record, **data}


def _pattern(operation: Any, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a pattern."""
    return {**members} if operation is None else {"operation": operation, **members}


def assert_none(what: str, lines: Iterable[str]) -> None:
    """Raise AssertionError if there are lines, and show them."""
    __tracebackhide__ = True
    found = [*lines]
    if found:
        msg = "\n  ".join((f"{what}:", *found))
        raise AssertionError(msg)
