"""On whose behalf calls are made: one session a unit, shared by all logins for it."""

from crmcom_kit.mock_server.protocol.config import Rules
from crmcom_kit.mock_server.world.reference_data import Object, Scenery
from crmcom_kit.mock_server.world.tokens import Session


class Sessions:
    """The sessions of the user of the credentials."""

    def __init__(self, rules: Rules, scenery: Scenery) -> None:
        """Find user and units in ``scenery``."""
        self._rules = rules
        self._scenery = scenery
        self._found: dict[str, Session] = {}

    def of(self, unit: Object | None = None) -> Session:
        """Return the session for ``unit``, or for the first unit."""
        unit = unit or self._scenery.units.first()
        name = "" if unit is None else unit["id"]
        if name not in self._found:  # one a unit, however many log in
            self._found[name] = self._made(unit)
        return self._found[name]

    def _made(self, unit: Object | None) -> Session:
        credentials, renderer = self._rules.settings.credentials, self._rules.renderer
        name = credentials.username
        user = self._scenery.user_named(name) or {
            "id": "1",
            "username": name,
            "person_name": name,
            "email": None,
        }
        rendered = renderer.user(user) or {}
        return Session(rendered, renderer.unit(unit), credentials.organisation)
