"""The state machine for servers that are made anew: what it raises, replays, and leaves alone."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from helpers.far import remote
from helpers.sound_servers import set_clock
from hypothesis.database import ExampleDatabase, InMemoryExampleDatabase
from hypothesis.stateful import run_state_machine_as_test
from mutants.table import ROWS
from sound_server.legal import VARIANTS, Variant
from sound_server.server import ORGANISATION, PASSWORD, USERNAME, SoundServer
from werkzeug.test import Client

from crmcom_kit.contract_tests.client.targets import own_mock
from crmcom_kit.contract_tests.machine import ContractMachine, Login
from crmcom_kit.contract_tests.oracle.confirmations import Effect
from crmcom_kit.contract_tests.oracle.findings import Broken
from crmcom_kit.contract_tests.oracle.suspicions import Suspicion
from crmcom_kit.mock_server import create_app, crmcom_mock

LOGIN = Login(username=USERNAME, password=PASSWORD, organisation=ORGANISATION)


def machine(make: Callable[[], Any], **members: Any) -> type[ContractMachine]:
    """Return a machine whose servers ``make`` makes."""
    return type("Contract", (ContractMachine,), {"target": lambda _: make(), **members})


def of(variant: Variant, **members: Any) -> type[ContractMachine]:
    """Return a machine for a server of the table, or a legal one."""

    def made() -> SoundServer:
        server = variant.server()
        set_clock(server)
        return server

    return machine(made, login=LOGIN, release=variant.release, **members)


def run(
    tested: type[ContractMachine], examples: int, database: ExampleDatabase | None = None
) -> None:
    """Run a machine; the same examples each time, unless the database has others."""
    options = hypothesis.settings(
        tested.TestCase.settings, max_examples=examples, database=database
    )
    run_state_machine_as_test(hypothesis.seed(1)(tested), settings=options)


def test_an_example_that_fails_names_statement_and_requests_and_replays_at_once() -> None:
    """No other statement takes its place; the requests are few, and hold no secret."""
    made: list[SoundServer] = []
    database = InMemoryExampleDatabase()

    def make() -> SoundServer:
        made.append(ROWS["resend_returns_another"].server())
        set_clock(made[-1])
        return made[-1]

    with pytest.raises(Broken) as first:
        run(machine(make, login=LOGIN), 100, database)
    before = len(made)
    with pytest.raises(type(first.value)) as second:
        run(machine(make, login=LOGIN), 100, database)

    assert first.value.statement == "identifier.selects"
    assert type(first.value).__name__ == "BrokenIdentifierSelects"
    lines = str(first.value).splitlines()
    assert lines[:2] == [
        "identifier.selects is broken by resend",
        f"  expected: {lines[1].partition(': ')[2]}",
    ]
    assert lines[3] == "  requests (seen again on a new server):"
    assert 1 <= len(lines[4:]) <= 4
    assert lines[-1].startswith('    POST webhook_requests/resend {"token": "$CRMCOM_TOKEN"')
    assert PASSWORD not in str(first.value)
    assert str(second.value) == str(first.value)
    # One to discover; two for the example and its last run, and one more for each to send it again.
    assert len(made) - before <= 5


def test_without_confirmation_what_is_suspected_fails_an_example() -> None:
    """So a server that does something by itself is accused, too."""
    with pytest.raises(Broken):
        run(of(VARIANTS["others_every_8_empty_error"], confirms=False), 30)


def test_a_violation_that_is_not_shortened_shows_all_requests() -> None:
    """A fault of which the oracle can't see what it rests on: all requests are shown."""
    with pytest.raises(Broken) as raised:
        run(of(ROWS["resend_answers_with_first"]), 100)

    assert "  requests (not seen again with these alone; all that were sent):" in str(raised.value)


def test_failures_that_come_each_time_are_concluded_at_the_end_of_an_example() -> None:
    """HTTP 500 with an envelope breaks nothing at once."""

    def failing(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"].endswith("webhook_requests/show"):
            start_response("500 X", [("Content-Type", "application/json")])
            return [b'{"status":{"code":"X","message":"","description":""}}']
        return app(environ, start_response)

    app = SoundServer()
    set_clock(app)

    with pytest.raises(Broken) as raised:
        run(machine(lambda: failing, login=LOGIN), 50)

    assert raised.value.statement == "errors.no_server_error"


def test_a_listed_deviation_fails_no_example(tmp_path: Path) -> None:
    """The same file as that of a run."""
    path = tmp_path / "deviations.toml"
    path.write_text(
        '[[deviation]]\nstatement = "response.request"\nseen = "*"\nreason = "known"\n', "utf-8"
    )

    run(of(ROWS["request_is_a_number"], deviations=path), 3)

    with pytest.raises(Broken):
        run(of(ROWS["request_is_a_number"]), 5)


@pytest.mark.parametrize("kind", ["mock", "ASGI", "target"])
def test_a_server_may_be_of_any_kind(kind: str) -> None:
    """All of it may be changed: nobody else uses it."""
    allowed: list[Collection[str]] = []
    mock, own = crmcom_mock(release="R15"), own_mock()
    flask = Client(create_app(mock.emulated))

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        response = flask.open(
            scope["raw_path"].decode(),
            method=scope["method"],
            query_string=scope["query_string"].decode(),
            headers=[(name.decode(), value.decode()) for name, value in scope["headers"]],
            data=(await receive())["body"],
        )
        headers = [(name.encode(), value.encode()) for name, value in response.headers]
        start = {"type": "http.response.start", "status": response.status_code}
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": response.data})

    def make() -> Any:
        mock.reset()
        return {"mock": mock, "ASGI": asgi, "target": own}[kind]

    class Contract(ContractMachine):
        release = "R15"
        login = Login(**{
            name: getattr(mock.credentials, name)
            for name in ("username", "password", "organisation", "api_key")
        })  # fmt: skip

        def target(self) -> Any:
            return make()

        def teardown(self) -> None:
            super().teardown()
            allowed.append(self.session.scene.allowed)

    run(Contract, 3)

    assert allowed[0] == {"resend", "delete"}


def test_elsewhere_nothing_is_changed_unasked_and_logins_are_few() -> None:
    """A base URL that is not of this machine, and whose login the examples share."""
    target, wire = remote()

    run(machine(lambda: target), 4)

    paths = [request.url.path.rpartition("v2/")[2] for request in wire.requests]
    assert not {"webhook_requests/resend", "webhook_requests/delete"} & {*paths}
    assert len(paths) > 50
    logins = [path for path in paths if path == "authentication/token"]
    assert len(logins) <= 5  # the one that is needed, one beside it, two wrong ones, one between


@pytest.mark.parametrize("name", ["others_every_8_empty_error", "error_texts_null"])
def test_what_a_server_does_by_itself_is_held_against_no_change(name: str) -> None:
    """The same requests show it without the changes; what needs them stays an accusation."""
    machine = of(VARIANTS[name])()
    machine.begin(lists=[{"entity": entity} for entity in ("JOBS", "ACTIVITIES")])
    rejected = machine.session.scene.records("REJECTED")
    machine.call("resend", {"webhook_request_identifier": {"id": rejected[0]["id"]}})
    for _ in range(12):
        for entity in ("JOBS", "ACTIVITIES"):
            machine.session.call("list", {"entity": entity})
    change = next(sent for sent in machine.session.client.history if sent.call.verb == "POST")
    does_it = name.startswith("others")
    campaign = machine.campaign
    assert campaign is not None

    for of_others in (True, False):
        hypothesis = Sure("delete.single_result", change, by_anybody=of_others)
        suspicion = Suspicion(change, "", "", (hypothesis,))
        assert campaign.is_confirmed(suspicion, hypothesis) is not (does_it and of_others)
    machine.session.queue.clear()
    machine.session.client.close()


class Sure(Effect):
    def settle(self, *_: object) -> bool:
        return True


def test_settings_are_those_of_the_class_and_its_parents() -> None:
    """Hypothesis' own shrinking is left out; what a parent changes stays changed."""
    parent = machine(crmcom_mock)
    phases = parent.TestCase.settings.phases
    parent.TestCase.settings = hypothesis.settings(parent.TestCase.settings, max_examples=7)
    child: Any = type("Child", (parent,), {})

    assert hypothesis.Phase.shrink not in phases
    assert child.TestCase.settings.max_examples == 7
    assert child.TestCase.settings.phases == phases


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: 5, "Contract.target: returned 5; it must return a mock, a WSGI or ASGI app"),
        (SoundServer, "Contract.login: is missing; it must be the credentials"),
    ],
    ids=["no server", "no login"],
)
def test_an_invalid_target_is_refused(make: Callable[[], Any], error: str) -> None:
    with pytest.raises(TypeError, match=error):
        run(machine(make), 1)


def test_a_machine_without_a_target_is_refused() -> None:
    with pytest.raises(NotImplementedError, match=r"Missing\.target: define it"):
        run(type("Missing", (ContractMachine,), {}), 1)
