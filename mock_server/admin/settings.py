"""Operations on settings."""

from platform import python_version
from typing import Annotated, Any, TypedDict

from crmcom_kit import __version__
from crmcom_kit.mock_server.admin.call import Call
from crmcom_kit.mock_server.admin.contract import Count, operation
from crmcom_kit.redaction import MASK
from crmcom_kit.schemas import API_PATH


class DialectSetting(TypedDict):
    """The dialect, and the dials that differ from the default one."""

    name: str
    changed: dict[str, Any]
    unsettled: Annotated[
        dict[str, list[Any]] | None,
        "With a profile: the dials that it leaves open, with the values that fit.",
    ]


class CredentialsSetting(TypedDict):
    """The credentials that may log in; secrets are redacted."""

    username: str
    password: str
    organisation: str
    api_key: str


class WorldsSetting(TypedDict):
    """How many named worlds there may be, and for how many seconds an unused one is kept."""

    maximum: Count
    world_idle: float


class Settings(TypedDict):
    """The settings; secrets are redacted."""

    version: str
    python: str
    release: str
    dialect: DialectSetting
    seed: int
    base_path: Annotated[str, "Base path of the API in this world."]
    credentials: CredentialsSetting
    fixed_tokens: Annotated[Count, "Number of tokens that never expire."]
    admin_token: Annotated[str | None, "null if only callers on this machine are allowed."]
    journal: Annotated[int, "How many requests the journal keeps."]
    worlds: WorldsSetting
    waiting_calls: Annotated[Count, "Maximum number of calls that wait at the same time."]


@operation("GET /settings", "mock")
def get_settings(call: Call) -> Settings:
    """Show the settings of the mock and of this world."""
    registry, world, config = call.registry, call.world, call.world.config
    return {
        "version": __version__,
        "python": python_version(),
        "release": world.release.name,
        "dialect": {
            "name": world.dialect.name,
            "changed": world.dialect.changes(),
            "unsettled": None if config.unsettled is None else dict(config.unsettled),
        },
        "seed": config.seed,
        "base_path": f"{call.root}{API_PATH}",
        "credentials": {
            "username": config.credentials.username,
            "password": MASK,
            "organisation": config.credentials.organisation,
            "api_key": MASK,
        },
        "fixed_tokens": len(config.fixed_tokens),
        "admin_token": None if registry.access.admin_token is None else MASK,
        "journal": world.journal.max_entries,
        "worlds": {"maximum": registry.max_worlds, "world_idle": registry.idle_seconds},
        "waiting_calls": registry.waiting.maximum,
    }
