"""Probes of dials: how a dial shows, and what is seen for each of its values."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from crmcom_kit.schemas import Dialect, dials
from crmcom_kit.schemas.dialect import error_kinds


class Probe(NamedTuple):
    """How a dial shows, and what is seen for each of its values."""

    see: Callable[[Any], Any]
    seen: Mapping[Any, Any]
    release: str = "R9"
    besides: Mapping[str, Any] = MappingProxyType({})
    data: Callable[[], list[Any]] | None = None  # instead of the sample world


def kind(mock: Any, reply: Any) -> str:
    """Return OK, or the kind of error that a reply is."""
    kinds = {mock.code_of(name): name for name in error_kinds()}
    return str(kinds.get(reply.code, reply.code))


def seen(mock: Any, reply: Any, see: Callable[[Any], Any]) -> Any:
    """Return what ``see`` finds in the data of a reply, or the kind of its error."""
    found = kind(mock, reply)
    return see(reply.data) if found == "OK" else found


def kinds_of(*calls: Callable[[Any], Any]) -> Callable[[Any], list[str]]:
    """Return what makes each of these calls, and returns the kind of error that each reply is."""
    return lambda mock: [kind(mock, call(mock)) for call in calls]


def hold(make_mock: Any, key: str, probe: Probe, **options: Any) -> None:
    """Fail unless a mock shows what the probe expects, for each choice that the dial has.

    For each of them something else is expected than for the default.
    """
    dial, expected = dials()[key], probe.seen
    default = tuple(dial.default) if isinstance(dial.default, list) else dial.default
    if dial.type in ("choice", "boolean"):
        assert set(expected) == (set(dial.choices) if dial.type == "choice" else {True, False})
    else:
        assert len(expected) > 2
    assert all(expected[value] != expected[default] for value in expected if value != default)

    if probe.data is not None:
        options["data"] = probe.data()
    for value in expected:
        dialect = Dialect("probe", {**probe.besides, key: value})
        mock = make_mock(probe.release, dialect=dialect, **options)
        assert probe.see(mock) == expected[value], value
