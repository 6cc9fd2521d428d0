"""What a row of the table is, and how a step of the sound server is overridden.

A function that overrides a step names the arguments that it needs, in any order:

- the arguments of the step;
- ``base``: the step of the sound server, and ``sound``: the same with its arguments bound;
- ``server``, and ``call``: the call that it answers;
- ``kept``: a dictionary in which this server remembers what the fault needs;
- ``named``: all of these in one mapping.

Overrides of several steps are joined with ``|``.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial, wraps
from typing import Any

from sound_server.legal import Variant
from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer
from sound_server.world import Record

Function = Callable[..., Any]
Named = dict[str, Any]
Override = dict[str, Function]  # the methods that a mutant has of its own


class Mutant(SoundServer):
    """A sound server that remembers the last call, and what the fault of a row needs."""

    call: Call | None = None

    @cached_property
    def kept(self) -> dict[Any, Any]:
        """Return the dictionary in which the fault of a row remembers something."""
        return {}

    def run(self, call: Call) -> Any:
        """Remember the call."""
        self.call = call
        return super().run(call)

    def put_back(self, version: Record) -> None:
        """Restore an earlier version of a record, unless it is deleted."""
        if version.id in self.records:
            vars(self.records[version.id]).update(vars(version))


@dataclass(frozen=True, kw_only=True)
class Row(Variant):
    """One mutant: a server that breaks something documented."""

    statements: tuple[str, ...]  # the ids of those that it breaks, the nearest first


ROWS: dict[str, Row] = {}


def row(
    name: str,
    statements: str,
    about: str,
    override: Override,
    release: str = "R9",
    **changes: Any,
) -> None:
    """Add a row to the table; ``statements`` are ids with blanks between them."""
    assert name not in ROWS, name
    made = type(name, (Mutant,), dict(override))
    broken = tuple(statements.split())
    ROWS[name] = Row(name, about, changes, release, made, statements=broken)


def mutant(
    statements: str,
    how: Callable[[Function], Override],
    also: Override | None = None,
    release: str = "R9",
    **changes: Any,
) -> Callable[[Function], Function]:
    """Add a row whose function needs more than an expression; its name is the row's id."""

    def declare(function: Function) -> Function:
        name, about = function.__name__, inspect.getdoc(function) or ""
        row(name, statements, about, how(function) | (also or {}), release, **changes)
        return function

    return declare


# Overriding one step: a combinator takes the name of the step, and a function.


def apply(function: Function, arguments: Mapping[str, Any], **more: Any) -> Any:
    """Call a function with those arguments that it names, ``named`` among them."""
    named = {**arguments, **more}
    named["named"] = named
    return function(**{name: named[name] for name in names_of(function) if name in named})


@cache
def names_of(function: Function) -> tuple[str, ...]:
    """Return the names of a function's arguments, as a caller would write them."""
    return tuple(name.lstrip("_") for name in inspect.signature(function).parameters)


def takes_function_later(combinator: Function) -> Function:
    """Let a combinator without a function return one that takes it, as ``mutant`` needs it."""

    @wraps(combinator)
    def combine(name: str, function: Function | None = None, method: str = "") -> Any:
        if function is None:
            return partial(combinator, name, method=method)
        return combinator(name, function, method)

    return combine


@takes_function_later
def step(name: str, function: Function, method: str = "") -> Any:
    """Override one step, for calls of one method or all."""
    as_it_is = getattr(Mutant, name)
    names = names_of(as_it_is)[1:]

    def run(self: Mutant, *values: Any) -> Any:
        base = partial(as_it_is, self)
        named = {"call": self.call, **dict(zip(names, values, strict=False))}
        if method and getattr(named["call"], "method", "") != method:
            return base(*values)
        sound = partial(base, *values)
        named |= {"server": self, "kept": self.kept, "base": base, "sound": sound}
        return apply(function, named)

    return {name: run}


@takes_function_later
def first(name: str, function: Function, method: str = "") -> Any:
    """Do something before one step."""

    def run(sound: Function, named: Named) -> Any:
        apply(function, named)
        return sound()

    return step(name, run, method)


@takes_function_later
def then(name: str, function: Function, method: str = "") -> Any:
    """Do something more after one step, which has ``made`` what it returns."""

    def run(sound: Function, named: Named) -> Any:
        made = sound()
        apply(function, named, made=made)
        return made

    return step(name, run, method)


@takes_function_later
def instead(name: str, function: Function, method: str = "") -> Any:
    """Return something else from one step than what it has ``made``."""

    def run(sound: Function, named: Named) -> Any:
        return apply(function, named, made=sound())

    return step(name, run, method)


def rescues(name: str, function: Function, method: str = "") -> Any:
    """Return something else if one step refuses a call, unless that is None or False.

    The function may name ``refusal``.
    """

    def run(sound: Function, named: Named) -> Any:
        try:
            return sound()
        except Refusal as refusal:
            rescued = apply(function, named, refusal=refusal)
            if rescued is None or rescued is False:
                raise
            return rescued

    return step(name, run, method)


def counted(kept: dict[Any, Any], key: Any = "count") -> int:
    """Return how often this was called with a key, this call included."""
    kept[key] = kept.get(key, 0) + 1
    return int(kept[key])
