"""Servers that find, list or change the wrong records."""

from dataclasses import replace
from typing import Any

from sound_server.reading import Call
from sound_server.world import Record

from mutants.requests import refuses
from mutants.steps import Function, Mutant, Named, apply, instead, step, then

# Which records are found.


def filters_by(filtered: str, function: Function) -> Any:
    """Decide otherwise whether one filter, with ``value``, selects a record.

    ``base`` needs no argument; another record may be its argument.
    """

    def matches(base: Function, record: Record, name: str, call: Call, named: Named) -> Any:
        def right(other: Record = record) -> Any:
            return base(other, name, call)

        if name != filtered:
            return right()
        return apply(function, named, value=call.filters[name], base=right)

    return step("matches", matches)


def omits(when: Function) -> Any:
    """Leave some records out of lists."""
    return step("selected", lambda sound, named: not apply(when, named) and sound())


def still_lists(when: Function) -> Any:
    """Return deleted records behind the others in some lists."""

    def select(server: Mutant, made: list[Record], call: Call, named: Named) -> Any:
        gone = (record for record in server.deleted.values() if apply(when, named, record=record))
        return made + [record for record in gone if server.selected(record, call)]

    return instead("select", select)


def lists(function: Function) -> Any:
    """Cut pages from other ``records`` than those that the filters select."""
    return step("page", lambda base, call, named: base(apply(function, named), call))


def pages(**values: Function) -> Any:
    """Cut a page with another ``skip`` or ``limit`` than the call has."""

    def page(base: Function, records: list[Record], call: Call, named: Named) -> Any:
        return base(records, replace(call, **{n: apply(f, named) for n, f in values.items()}))

    return step("page", page)


def loses(when: Function, kind: str = "unknown_record", method: str = "") -> Any:
    """Find a ``record`` that exists and refuse the call."""

    def is_lost(made: Record, named: Named) -> Any:
        return apply(when, named, record=made)

    return refuses(kind, is_lost, method, after="find")


# What changes.


def then_sets(name: str, **values: Function) -> Any:
    """Change fields of a ``record`` after one step of a resend."""

    def change(record: Record, named: Named) -> None:
        vars(record).update({field: apply(value, named) for field, value in values.items()})

    return then(name, change)


def also(name: str, effect: Function, which: Function, limit: int | None = None) -> Any:
    """After one step of a ``record`` change each ``other`` that is chosen, up to a limit."""

    def change(server: Mutant, named: Named) -> None:
        records = server.records.values()
        for other in [other for other in records if apply(which, named, other=other)][:limit]:
            effect(server, other)

    return then(name, change)


def sets(**values: Any) -> Function:
    """Return an effect that changes fields of a record."""

    def effect(_server: Mutant, record: Record) -> None:
        vars(record).update(values)

    return effect
