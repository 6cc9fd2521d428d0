"""What a legal oddity is, and how one is entered into the list of them."""

from dataclasses import dataclass
from typing import Any

from odd_servers.toolkit import Handle, WsgiApp, wrapped


@dataclass(frozen=True, slots=True)
class Oddity:
    """One legal difference: a wrapping, or a choice of a dial, or both."""

    name: str
    note: str
    handle: Handle | None
    dials: tuple[tuple[str, Any], ...] = ()
    since: str = "R9.0.0"  # the first release in which it is legal

    def make(self, app: WsgiApp) -> WsgiApp:
        """Put this oddity around a WSGI application."""
        return app if self.handle is None else wrapped(self.handle)(app)


ODDITIES: dict[str, Oddity] = {}


def odd(handle: Handle) -> Handle:
    """Enter a function as a legal oddity."""
    note = (handle.__doc__ or "").splitlines()[0]
    ODDITIES[handle.__name__] = Oddity(handle.__name__, note, handle)
    return handle


def odd_dials(name: str, note: str, *, since: str = "R9.0.0", **dials: Any) -> None:
    """Enter choices of dials as a legal oddity; a double underscore stands for a dot."""
    chosen = tuple((key.replace("__", "."), value) for key, value in dials.items())
    ODDITIES[name] = Oddity(name, note, None, chosen, since)
