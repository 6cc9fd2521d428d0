"""What was written blind: by people who saw neither the kit nor the table of mutants.

Each set was committed before anything ran against it. This is a sample of it: commit 8426bcef has
the whole, each server as a file of its own.

Servers were written from the public facts and the sound server: ``legal_forms`` and ``legal_users``
have unusual legal ones, ``faults`` wrong ones. Each class has the line of the ``FACTS`` that it
rests on, and may have the ``CHOICES`` of the sound server that it needs. A fault may have a
``RELEASE`` other than R9.

``instances`` has whole servers, written from the specification, the facts and the examples. The
programs in ``clients`` were written from README and the docs.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from sound_server.legal import Variant
from sound_server.server import SoundServer

from blind import faults, legal_forms, legal_users


def _servers(*modules: ModuleType) -> dict[str, Any]:
    return {
        name: made
        for module in modules
        for name, made in vars(module).items()
        if isinstance(made, type) and issubclass(made, SoundServer) and made is not SoundServer
    }


LEGAL: Mapping[str, Any] = _servers(legal_forms, legal_users)
FAULTS: Mapping[str, Any] = _servers(faults)
#: What legal servers have in turn.
RELEASES = ("R9", "R12", "R15", "R18")


def _variant(made: Any, release: str) -> Variant:
    about = str(made.__doc__).partition("\n")[0]
    return Variant(made.__name__, about, getattr(made, "CHOICES", {}), release, made)


def fault(name: str) -> Variant:
    """Return one wrong server."""
    made = FAULTS[name]
    return _variant(made, getattr(made, "RELEASE", "R9"))


def legal_server(name: str) -> Variant:
    """Return one legal server, each in another release than the one before."""
    return _variant(LEGAL[name], RELEASES[[*LEGAL].index(name) % len(RELEASES)])


def is_by_token(name: str) -> bool:
    """Whether a run against a legal server gets a token, and no user name."""
    return [*LEGAL].index(name) // len(RELEASES) % 2 == 1
