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


def of_each_value(probes: Mapping[str, Probe]) -> list[tuple[str, Any]]:
    """Return each dial with each value that its probe knows."""
    return [(key, value) for key, probe in probes.items() for value in probe.seen]


def hold(make_mock: Any, key: str, value: Any, probe: Probe, **options: Any) -> None:
    """Fail unless a mock with the dial set so shows what the probe expects."""
    if probe.data is not None:
        options["data"] = probe.data()
    dialect = Dialect("probe", {**probe.besides, key: value})
    assert probe.see(make_mock(probe.release, dialect=dialect, **options)) == probe.seen[value]


def check_choices(key: str, probe: Probe) -> None:
    """Fail unless a probe expects something for each choice, and the default's for no other."""
    dial, seen = dials()[key], probe.seen
    default = tuple(dial.default) if isinstance(dial.default, list) else dial.default

    if dial.type == "choice":
        assert set(seen) == set(dial.choices)
    elif dial.type == "boolean":
        assert set(seen) == {True, False}
    elif dial.type == "members":
        assert all((name,) in seen for name in dial.choices)
    else:
        assert len(seen) > 2
    assert all(seen[value] != seen[default] for value in seen if value != default)
