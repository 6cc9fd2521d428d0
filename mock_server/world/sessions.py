"""On whose behalf calls are made: one session a unit, shared by all logins for it."""

from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.world.reference_data import Object, ReferenceData
from crmcom_kit.mock_server.world.tokens import Session


class Sessions:
    """The sessions of the user of the credentials."""

    def __init__(self, config: Config, reference_data: ReferenceData) -> None:
        """Find user and units in ``reference data``."""
        self._config = config
        self._reference_data = reference_data
        self._found: dict[str, Session] = {}

    def of(self, unit: Object | None = None) -> Session:
        """Return the session for ``unit``, or for the first unit."""
        unit = unit or self._reference_data.units.first()
        name = "" if unit is None else unit["id"]
        if name not in self._found:  # one a unit, however many log in
            self._found[name] = self._made(unit)
        return self._found[name]

    def _made(self, unit: Object | None) -> Session:
        credentials, renderer = self._config.settings.credentials, self._config.renderer
        name = credentials.username
        user = self._reference_data.user_named(name) or {
            "id": "1",
            "username": name,
            "person_name": name,
            "email": None,
        }
        rendered = renderer.user(user) or {}
        return Session(rendered, renderer.unit(unit), credentials.organisation)
