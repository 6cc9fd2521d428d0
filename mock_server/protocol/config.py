"""The configuration of a server: release, dialect, credentials, and objects made from them.

All worlds and epochs of one server share it. Nothing in it changes, except ``closing``.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from crmcom_kit.mock_server.protocol.parameters import Parameters
from crmcom_kit.mock_server.protocol.response import ResponseBuilder
from crmcom_kit.schemas import Dialect, Release, methods
from crmcom_kit.schemas.effects import Effects
from crmcom_kit.schemas.exchanges import Exchanges
from crmcom_kit.schemas.formats import offset_seconds
from crmcom_kit.schemas.methods import Method
from crmcom_kit.schemas.rendering import Renderer


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of the user who may log in."""

    username: str
    password: str
    organisation: str
    api_key: str


@dataclass(kw_only=True, eq=False, repr=False)
class Config:
    """The settings of a world, except its content, and its readers and writers."""

    release: Release
    dialect: Dialect
    credentials: Credentials
    seed: int = 0
    fixed_tokens: tuple[str, ...] = ()
    unsettled: Mapping[str, list[Any]] | None = None  # dials that a profile leaves open
    effects: Mapping[str, Effects] = field(default_factory=dict)  # of changes, in a profile

    def __post_init__(self) -> None:
        """Build the readers and writers of release and dialect."""
        release, dialect = self.release, self.dialect
        self.renderer = Renderer(dialect, release)
        self.responses = ResponseBuilder(dialect, release, self.renderer)
        self.exchanges = Exchanges(dialect)
        self.parameters = Parameters(dialect, release.entities)
        #: Set when the server ends: all waits in its worlds end. A restarted server has another
        #: event.
        self.closing = threading.Event()

    @property
    def serves_profile(self) -> bool:
        """True if the mock serves a profile of ``calibrate``."""
        return self.unsettled is not None

    @cached_property
    def methods(self) -> dict[str, Method]:
        """The methods of the API by their path, below the API's base path."""
        by_name = methods(self.release)
        by_path = {method.path: method for method in by_name.values()}
        release = by_name.get("token_release")
        is_withdrawn = self.dialect["tokens.release_from_r12"] == "withdrawn"
        if release and release.deprecated and is_withdrawn:
            del by_path[release.path]
        return by_path

    @cached_property
    def semi_optional(self) -> tuple[str, ...]:
        """The parameters of list of which a request needs at least one."""
        parameters = methods(self.release)["list"].parameters.values()
        return tuple(
            parameter.name for parameter in parameters if parameter.need == "semi-optional"
        )

    @cached_property
    def utc_offset(self) -> timedelta:
        """The offset from UTC of the dates that the server writes."""
        return timedelta(seconds=offset_seconds(self.dialect["dates.utc_offset"]))
