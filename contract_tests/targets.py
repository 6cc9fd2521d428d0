"""What the kit is pointed at: a base URL with a login, or a mock that it starts for itself.

This is the one module of the kit that may start ``mock_server``; it uses nothing else of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from crmcom_kit.schemas.methods import API_PATH
from crmcom_kit.schemas.releases import Release, resolve

#: The header by which a mock of ours tells what it is.
MOCK_HEADER = "X-Crmcom-Mock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a target lets in: a token, or user name, password and organisation, or a Web API key."""

    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    organisation: str | None = None
    unit: str | None = None
    api_key: str | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that no report, log or curl line may show."""
        return tuple(filter(None, (self.token, self.password, self.api_key)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server that is checked."""

    name: str  # how reports call it
    base_url: str  # ends in /crmapi/rest/v2
    release: Release
    login: Login
    transport: httpx.BaseTransport | None = None  # None: the network
    own: bool = False  # a mock that this process made for itself, and may do anything to


WsgiApp = Callable[..., Any]


def own_mock(
    release: str = "R9",
    dialect: Any = "default",
    *,
    wrap: Callable[[WsgiApp], WsgiApp] | None = None,
    **options: Any,
) -> Target:
    """Start a mock in this process, with no socket, as a target of its own.

    Args:
        release: the release it serves.
        dialect: the dialect it speaks.
        wrap: put around its WSGI application; how a server that is wrong on purpose is made.
        options: more arguments of ``mock_server.make_world``, such as ``data`` or ``seed``.
    """
    from crmcom_kit.mock_server import create_app, make_world
    from crmcom_kit.mock_server.worlds import DEFAULT_CREDENTIALS

    app: WsgiApp = create_app(make_world(release=release, dialect=dialect, **options))
    known = DEFAULT_CREDENTIALS
    return Target(
        name=f"a mock of its own ({release})",
        base_url=f"http://mock{API_PATH}",
        release=resolve(release),
        login=Login(
            username=known.username,
            password=known.password,
            organisation=known.organisation,
            api_key=known.api_key,
        ),
        transport=httpx.WSGITransport(app=wrap(app) if wrap else app),
        own=True,
    )
