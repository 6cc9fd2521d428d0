"""Targets: a base URL with a login, or a mock that the kit starts for itself.

No other module of the kit may start ``mock_server``.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from inspect import iscoroutinefunction
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import httpx

from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.urls import UrlSecrets
from crmcom_kit.schemas.methods import API_PATH
from crmcom_kit.schemas.profile import Profile
from crmcom_kit.schemas.releases import Release, resolve

#: The header of a crmcom-kit mock. Any server may send it: see ``near``.
MOCK_HEADER = "X-Crmcom-Mock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Credentials: a token, or user name, password and organisation, or a Web API key."""

    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    organisation: str | None = None
    unit: str | None = None
    api_key: str | None = field(default=None, repr=False)
    expired_token: str | None = field(default=None, repr=False)  # which must be refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server that is checked."""

    name: str  # in reports
    base_url: str  # such as https://host/crmapi/rest/v2; the paths of the API are below it
    release: Release
    login: Login
    transport: httpx.BaseTransport | None = None  # None: the network
    reset: Callable[[], object] | None = None  # of a server in this process
    admin_token: str | None = field(default=None, repr=False)  # of a mock that is near
    is_recorded: bool = False  # whether its traffic is read from files, and nothing is sent
    urls: UrlSecrets = field(default_factory=UrlSecrets, repr=False, compare=False)  # of its data

    @property
    def is_own(self) -> bool:
        """Whether it may be changed at will: a mock or a user's server in this process."""
        return self.reset is not None

    @property
    def is_near(self) -> bool:
        """Whether its host is a loopback address, and so this machine."""
        return is_loopback(urlsplit(self.base_url).hostname or "")


#: The credentials of a mock.
_OF_MOCKS = ("username", "password", "organisation", "api_key")
#: The maximum number of seconds of a queued delivery that sends nothing.
_QUEUE_SECONDS = 10.0


class DirectMock:
    """A mock of a profile, without HTTP: it serves thousands of requests in a second.

    Its deliveries send nothing, and fail if ``delivery_error`` is set.
    """

    def __init__(self, profile: Profile, login: Login, began: datetime) -> None:
        """Serve ``profile`` to ``login``, with a clock that stands at ``began``."""
        from crmcom_kit.mock_server import make_world
        from crmcom_kit.mock_server.protocol.config import Credentials
        from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS

        #: What it accepts.
        self.credentials = Credentials(
            **{
                name: getattr(login, name) or getattr(DEFAULT_CREDENTIALS, name)
                for name in _OF_MOCKS
            }
        )
        self.delivery_error: Mapping[str, Any] | None = None  # of the next delivery, if it fails
        self._world = make_world(
            profile=profile,
            credentials=self.credentials,
            tokens=[login.token] if login.token else [],
            delivery=self,
            journal=1,
        )
        self._world.clock.freeze(began)
        self._world.current_epoch.config.responses.counts_matches = True

    def send(self, _message: Any) -> Any:
        """Return the outcome of a delivery."""
        from crmcom_kit.mock_server.deliveries.messages import Outcome

        error = self.delivery_error
        if error is None:
            return Outcome("success", None, None, 200)
        return Outcome("failed", error["error_code"], error["error_description"], 500)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._world.clock.advance(seconds)

    def call(self, call: Call) -> "MockReply":
        """Return the response to a request."""
        from crmcom_kit.mock_server.api.dispatch import dispatch
        from crmcom_kit.mock_server.protocol.request import Request

        headers = {name.lower(): value for name, value in call.headers}
        request = Request(
            call.verb,
            unquote(call.path).removesuffix("/"),
            call.query.encode("utf-8", "surrogatepass"),
            call.body or b"",
            headers.get("content-type", ""),
            headers.get("authorization", ""),
        )
        response = dispatch(self._world, request)
        # Wait for queued deliveries, else they would end at an unpredictable time.
        self._world.delivery_queue.wait_until_idle(_QUEUE_SECONDS)
        body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        facts: Mapping[str, str] = {}
        if response.error is not None:
            facts = {**response.error.facts, "method": response.method}
        matches = response.matches
        return MockReply(response.status, tuple(response.headers()), body, facts, matches)


class MockReply(NamedTuple):
    """A response of a mock without HTTP, and what the dial envelope.cases may select it by."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes
    facts: Mapping[str, str]  # of an error; none if it is no error
    matches: int | None = None  # how many webhook requests match a list's filters

    @property
    def kind(self) -> str:
        """The kind of error that it is; "" if it is none."""
        return self.facts.get("kind", "")


def is_loopback(host: str) -> bool:
    """Return whether a host can only be this machine: localhost, or a loopback address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False


class AsgiTransport(httpx.BaseTransport):
    """Sends requests to an ASGI application in this process; httpx does so only for async code.

    The application's lifespan is not run.
    """

    def __init__(self, app: Any) -> None:
        """Send to ``app``, on an event loop that starts with the first request."""
        self._runner = asyncio.Runner()
        self._transport = httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and wait for the whole response."""
        return self._runner.run(self._respond(request))

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        body = b"".join([part async for part in response.aiter_raw()])
        return httpx.Response(response.status_code, headers=response.headers, content=body)

    def close(self) -> None:
        """Close the event loop."""
        self._runner.close()


def in_process(app: Any, release: str, login: Login, path: str = API_PATH) -> Target:
    """Return an application in this process as a target that may be changed at will.

    Args:
        app: a WSGI or ASGI application.
        release: the release that it serves.
        login: credentials that it accepts.
        path: the path of the API in the application.
    """
    is_async = iscoroutinefunction(app) or iscoroutinefunction(type(app).__call__)
    return Target(
        name="the application under test",
        base_url=f"http://app.invalid/{path.strip('/')}".rstrip("/"),
        release=resolve(release),
        login=login,
        transport=AsgiTransport(app) if is_async else httpx.WSGITransport(app),
        reset=lambda: None,
    )


def of_mock(mock: Any) -> Target | None:
    """Return a mock that ``crmcom_mock`` started as a target without a socket; None for others."""
    from crmcom_kit.mock_server import MockWorld

    if not isinstance(mock, MockWorld):
        return None
    login = Login(**{name: getattr(mock.credentials, name) for name in _OF_MOCKS})
    return in_process(_app_of(mock.emulated), mock.release, login)


@lru_cache(maxsize=1)
def _app_of(world: Any) -> Any:
    from crmcom_kit.mock_server import create_app

    return create_app(world)


def own_mock(release: str = "R9", **options: Any) -> Target:
    """Start a mock in this process, without a socket, as a target that may be changed at will.

    Args:
        release: the release that it serves.
        options: more arguments of ``mock_server.make_world``, such as ``dialect`` or ``data``.
    """
    from crmcom_kit.mock_server import create_app, make_world
    from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS

    world = make_world(release=release, **options)
    return Target(
        name=f"a mock started for the run ({release})",
        base_url=f"http://mock.invalid{API_PATH}",
        release=resolve(release),
        login=Login(**{name: getattr(DEFAULT_CREDENTIALS, name) for name in _OF_MOCKS}),
        transport=httpx.WSGITransport(create_app(world)),
        reset=world.reset,
    )
