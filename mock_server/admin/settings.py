"""Operations on settings."""

from platform import python_version
from typing import Any

from crmcom_kit import __version__
from crmcom_kit.mock_server.admin.call import Call
from crmcom_kit.redaction import MASK
from crmcom_kit.schemas import API_PATH


def get_settings(call: Call) -> Any:
    """Return the settings of the mock and of this world, without secrets."""
    registry, world, config = call.registry, call.world, call.world.config
    return {
        "version": __version__,
        "python": python_version(),
        "release": world.release.name,
        "dialect": {"name": world.dialect.name, "changed": world.dialect.changes()},
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
