"""What is known of a server's tokens, and of the credentials for logins."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any

from crmcom_kit.contract_tests.client.targets import Login


class TokenState(Enum):
    """What is known of a token."""

    LIVE = auto()  # a login returned it, and nothing has ended it
    RELEASED = auto()
    EXPIRED = auto()  # its time is over, as the option that gave it says
    UNKNOWN = auto()  # no login returned it
    DOUBTFUL = auto()  # it may be valid or not


@dataclass(slots=True)
class KnownTokens:
    """The tokens of one server, and the right credentials."""

    credentials: Login = field(default_factory=Login)  # those that are right; None: not known
    sees_logins: bool = True  # every login is seen; if not, a token is valid once it was served
    refusal: tuple[int, Any] | None = None  # how a token that no login returned is refused
    _states: dict[str, TokenState] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note the state of the expired token, if there is one."""
        if self.credentials.expired_token is not None:
            self.note(self.credentials.expired_token, TokenState.EXPIRED)

    def frozen(self) -> "KnownTokens":
        """Return a copy that later exchanges do not change."""
        return replace(self, _states=dict(self._states))

    def state(self, token: Any) -> TokenState:
        """Return what is known of a token."""
        if isinstance(token, str) and token in self._states:
            return self._states[token]
        return TokenState.UNKNOWN if self.sees_logins else TokenState.DOUBTFUL

    def live(self) -> list[str]:
        """Return the tokens that are valid as far as it is known, the latest login's last."""
        return [token for token, state in self._states.items() if state is TokenState.LIVE]

    def note(self, token: str, state: TokenState) -> None:
        """Note what became known of a token."""
        self._states[token] = state

    def login_is_right(self, parameters: Mapping[str, Any]) -> bool | None:
        """Return whether authentication/token must accept these parameters; None if unknown."""
        names = ("username", "password", "organisation")
        if any(getattr(self.credentials, name) is None for name in names):
            return None
        if any(parameters.get(name) != getattr(self.credentials, name) for name in names):
            return False
        return None if parameters.get("unit") else True
