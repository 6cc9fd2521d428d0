"""What was written blind: by people who saw neither the kit nor the table of mutants.

Each set was committed before anything ran against it.

Servers were written from the public facts and the sound server: ``legal`` has unusual right ones,
``faults`` wrong ones, and ``unusual_3`` has faults that only an unusual value shows. Each file has
a class ``Server``, the ``CHOICES`` of the sound server that it needs, and the line of the ``FACTS``
that it rests on; a fault has a ``RELEASE`` as well.

``instances`` has whole servers, written from the specification, the facts and the examples. The
programs in ``clients_2`` and ``clients_3`` were written from README and the docs. Earlier sets are
gone: the kit was improved with them until they told nothing new.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from sound_server.legal import Variant
from sound_server.server import SoundServer

HERE = Path(__file__).parent
#: What legal servers have in turn.
RELEASES = ("R9", "R12", "R15", "R18")


@cache
def names(folder: str) -> tuple[str, ...]:
    """Return the names of the servers in a folder, in their order."""
    return tuple(sorted(path.stem for path in (HERE / folder).glob("[a-z]*.py")))


def server(folder: str, name: str, release: str = "") -> Variant:
    """Return one server, in the release of its file if none is given."""
    module: Any = import_module(f"blind.{folder}.{name}")
    release = release or module.RELEASE
    about = str(module.__doc__).partition("\n")[0]
    return Variant(name, about, module.CHOICES, release, module.Server)


def legal_server(at: int) -> Variant:
    """Return the legal server at a place, each in another release than the one before."""
    return server("legal", names("legal")[at], RELEASES[at % len(RELEASES)])


def is_by_token(at: int) -> bool:
    """Whether a run against the server at a place gets a token, and no user name."""
    return at // len(RELEASES) % 2 == 1


def together(seed: int) -> Variant:
    """Return two or three legal servers in one, chosen by a seed."""
    random = Random(seed)
    chosen = random.sample(names("legal"), random.randint(2, 3))
    release = random.choice(RELEASES)
    parts = [server("legal", name, release) for name in chosen]
    changes: Mapping[str, Any] = {}
    for part in parts:
        changes = {**part.changes, **changes}
    kinds: tuple[type[SoundServer], ...] = tuple(part.server_class for part in parts)
    combined = type("Server", kinds, {})
    return Variant("+".join(chosen), "several at once", dict(changes), release, combined)
