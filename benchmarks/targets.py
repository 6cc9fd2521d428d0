"""The targets of the benchmarks, as data, and how each is read from what was measured.

A target is a ratio of two rows of one interleaved run: its value is the median of the rounds'
ratios, its span their smallest and largest. Three kinds are no ratios: bytes, MB and counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, NamedTuple

from benchmarks import generators, inprocess, kit, peers, plugin, store
from benchmarks.rows import NO_JOURNAL, mock_name

BARE_GRANIAN = "bare WSGI callable, granian"
Parts = dict[str, Any]
Values = Sequence[float]


class NotMeasured(Exception):
    """A target whose rows were not measured: which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One promise about speed."""

    part: str
    what: str
    than: str  # what the ratio is to; nothing for one that is no ratio
    sense: Literal[">=", "<="]
    limit: float
    read: Callable[[Any], Values]
    unit: str = "x"

    def judged(self, parts: Parts) -> "Judged":
        """Return what was measured of this target, and whether it is met."""
        if self.part not in parts:
            return Judged(self, (), f"part {self.part} was not run")
        try:
            values = self.read(parts[self.part])
        except NotMeasured as reason:
            return Judged(self, (), str(reason))
        except KeyError as lacking:  # kept from a run before this target was added
            return Judged(self, (), f"the kept data have no {lacking}")
        return Judged(self, values, "")


class Judged(NamedTuple):
    """A target and the values of its rounds."""

    target: Target
    values: Values
    reason: str  # why there are none

    @property
    def verdict(self) -> str:
        """Met, missed, or not measured."""
        if not self.values:
            return f"not measured: {self.reason}"
        value, limit = median(self.values), self.target.limit
        met = value >= limit if self.target.sense == ">=" else value <= limit
        return "met" if met else "**missed**"


def mock_row(visits: dict[str, Any], server: str) -> str:
    """Return the row that users get by default: with the fast lane, where there is one."""
    names = [mock_name(server, fast_lane=lane) for lane in (True, False)]
    for name in names:
        if any("failed" not in one for one in visits.get(name, ())):
            return name
    msg = f"no row {' or '.join(names)}"
    raise NotMeasured(msg)


def ratios(visits: dict[str, Any], over: str, under: str, *keys: str) -> list[float]:
    """Return one value's ratio between two rows, by rounds in which both were measured."""
    found = [
        _at(one, keys) / _at(other, keys)
        for one, other in zip(visits.get(over, ()), visits.get(under, ()), strict=False)
        if "failed" not in one and "failed" not in other
    ]
    if not found:
        msg = f"no row {under if under not in visits else over}"
        raise NotMeasured(msg)
    return found


def _at(visit: dict[str, Any], keys: Sequence[str]) -> float:
    value: Any = visit
    for key in keys:
        value = value[key]
    return float(value)


def _quicker(server: str, peer: str) -> Callable[[Any], Values]:
    def read(part: Any) -> Values:
        visits = part["visits"]
        return ratios(visits, mock_row(visits, server), peer, "c16", "requests_per_second")

    return read


def _without_journal(part: Any) -> Values:
    return ratios(part["visits"], NO_JOURNAL, BARE_GRANIAN, "c16", "requests_per_second")


def _p99(part: Any) -> Values:
    visits = part["visits"]
    return ratios(visits, mock_row(visits, "granian"), peers.PRISM, "c16", "p99_ms")


def _show(server: str, peer: str, limit: float) -> Target:
    return Target(
        part="servers", what=f"`show` requests/s, {server}", than=peer, sense=">=", limit=limit,
        read=_quicker(server, peer),
    )  # fmt: skip


def _in_process(call: str, *, fast_lane: bool) -> Target:
    name = inprocess.row_name(call, fast_lane=fast_lane)

    def read(part: Any) -> Values:
        us = part["us"]
        if name not in us:
            msg = f"no row {name}"
            raise NotMeasured(msg)
        return [one / bare for one, bare in zip(us[name], us[inprocess.BARE], strict=True)]

    return Target(
        part="inprocess", what=f"CPU time of {name}", than=inprocess.BARE, sense="<=",
        limit=1.5, read=read,
    )  # fmt: skip


def _start_over_bare(server: str) -> Target:
    def read(part: Any) -> Values:
        visits = part["visits"]
        bare = f"bare Flask route, {server}"
        return ratios(visits, mock_row(visits, server), bare, "first_ms")

    return Target(
        part="start", what=f"start to first answer, {server}", than="bare Flask, same server",
        sense="<=", limit=1.3, read=read,
    )  # fmt: skip


def _start_before(peer: str, limit: float) -> Target:
    def read(part: Any) -> Values:
        visits = part["visits"]
        return ratios(visits, peer, mock_row(visits, "waitress"), "first_ms")

    return Target(
        part="start", what=f"start of {peer}", than="the mock's, waitress", sense=">=",
        limit=limit, read=read,
    )  # fmt: skip


def _idle(part: Any) -> Values:
    visits = part["visits"]
    row = visits[mock_row(visits, "waitress")]
    return [one["idle_mb"] for one in row if "failed" not in one]


def _size(part: Any, size: str) -> Any:
    if size not in part["sizes"]:
        msg = f"not run with {size} records"
        raise NotMeasured(msg)
    return part["sizes"][size]


def _bytes(size: str) -> Target:
    def read(part: Any) -> Values:
        return [_size(part, size)["mock"]["memory"]["bytes"] / int(size)]

    return Target(
        part="store", what=f"memory of a record, indexes included, at {int(size):,}", than="",
        sense="<=", limit=2_100, read=read, unit="bytes",
    )  # fmt: skip


def _show_flat(part: Any) -> Values:
    small, large = (_size(part, size)["mock"][store.SHOW] for size in _SIZES)
    return [b["us"] / a["us"] for a, b in zip(small, large, strict=True)]


def _page(size: str, name: str) -> Target:
    def read(part: Any) -> Values:
        return [one["us"] for one in _size(part, size)["mock"][name]]

    return Target(
        part="store", what=f"page of 50 by {name}, at {int(size):,}", than="", sense="<=",
        limit=100, read=read, unit="us",
    )  # fmt: skip


def _against_sqlite(size: str, name: str, limit: float) -> Target:
    def read(part: Any) -> Values:
        sides = _size(part, size)
        pairs = zip(sides["mock"][name], sides["sqlite"][name], strict=True)
        return [mock["us"] / sqlite["us"] for mock, sqlite in pairs]

    return Target(
        part="store", what=f"page of 50 by {name}, at {int(size):,}",
        than="sqlite with the right index", sense="<=", limit=limit, read=read,
    )  # fmt: skip


def _streamed(part: Any) -> Values:
    stream = part["stream"]
    if stream["records"] < 100_000 or stream["extra_bytes"] is None:
        msg = f"run with {stream['records']} records"
        raise NotMeasured(msg)
    return [stream["extra_bytes"] / 1_000_000]


def _generated(peer: str, limit: float) -> Target:
    def read(part: Any) -> Values:
        return ratios(part["visits"], generators.OURS, peer, "records_per_second")

    return Target(
        part="fixtures", what="webhook requests as JSON Lines, records/s", than=peer, sense=">=",
        limit=limit, read=read,
    )  # fmt: skip


def _generating(part: Any) -> Values:
    few, many = part["memory"].values()
    if few is None or many is None:
        msg = "this machine does not tell peaks"
        raise NotMeasured(msg)
    return [(many - few) / 1_000_000]


def _kit(other: str, limit: float) -> Target:
    def read(part: Any) -> Values:
        return ratios(part["visits"], kit.IN_PROCESS, other, "calls_per_second")

    return Target(
        part="kit", what="calls/s of the kit's state machine, in process", than=other, sense=">=",
        limit=limit, read=read,
    )  # fmt: skip


def _stopping(what: str) -> Callable[[Any], Values]:
    def read(part: Any) -> Values:
        found: Values = part["ms"][what]
        return found

    return read


def _flat(kind: str) -> Target:
    def read(part: Any) -> Values:
        by_size = part["times"][kind]
        if "1000000" not in by_size:
            msg = "not run with 1000000 records"
            raise NotMeasured(msg)
        pairs = zip(by_size["1000"], by_size["1000000"], strict=True)
        found = [b["us"] / a["us"] for a, b in pairs if "us" in a and "us" in b]
        if not found:
            msg = f"every {kind} failed"
            raise NotMeasured(msg)
        return found

    return Target(
        part="growth", what=f"{kind}, with 1,000,000 records", than="with 1,000", sense="<=",
        limit=1.5, read=read,
    )  # fmt: skip


def _of_load(server: str, read: Callable[[Any], float]) -> Callable[[Any], Values]:
    return lambda part: [read(part["rows"][mock_row(_as_visits(part["rows"]), server)])]


def _as_visits(rows: dict[str, Any]) -> dict[str, Any]:
    return {name: [row] for name, row in rows.items()}


def _unexplained(row: Any) -> float:
    return float(row["unexplained_total"] + row["tracebacks"])


def memory_growth(row: Any) -> float:
    """Return memory at the end of a load by memory at a sixth of it, when all is warm."""
    samples = row["memory_mb"]
    return float(samples[-1] / samples[len(samples) // 6])


def _making(size: str) -> Target:
    def read(part: Any) -> Values:
        if size not in part["us"]:
            msg = f"not run with {size} records"
            raise NotMeasured(msg)
        values: Values = part["us"][size]
        return values

    return Target(
        part="worlds", what=f"making a world beside {int(size):,} records", than="", sense="<=",
        limit=100, read=read, unit="us",
    )  # fmt: skip


def _many_worlds(part: Any) -> Values:
    if part["worlds"] != 10_000:
        msg = f"run with {part['worlds']} worlds"
        raise NotMeasured(msg)
    return [part["memory"]["made"] / 1_000_000]


_SIZES = ("100000", "1000000")
_CALLS = (inprocess.LIST, inprocess.RESEND, inprocess.DELETE, *inprocess.ERRORS)

TARGETS: tuple[Target, ...] = (
    _show("waitress", peers.PRISM, 2),
    _show("waitress", peers.HTTPSERVER, 3),
    _show("granian", peers.PRISM, 12),
    _show("granian", peers.WIREMOCK, 14),
    _show("granian", peers.JSON_SERVER, 15),
    _show("granian", BARE_GRANIAN, 0.60),
    Target(part="servers", what="`show` requests/s, granian, no journal", than=BARE_GRANIAN,
           sense=">=", limit=0.70, read=_without_journal),
    Target(part="servers", what="p99 at 16 connections, granian", than=peers.PRISM, sense="<=",
           limit=0.125, read=_p99),
    *(_in_process(call, fast_lane=lane) for call in _CALLS for lane in (False, True)),
    _start_over_bare("waitress"),
    _start_over_bare("granian"),
    _start_before(peers.JSON_SERVER, 1.5),
    _start_before(peers.PRISM, 7),
    Target(part="start", what="idle memory, waitress", than="", sense="<=", limit=50, read=_idle,
           unit="MB"),
    *(_bytes(size) for size in _SIZES),
    Target(part="store", what="show in the store, at 1,000,000", than="at 100,000", sense="<=",
           limit=1.5, read=_show_flat),
    *(_page(size, name) for size in _SIZES for name in store.SINGLE),
    *(_against_sqlite(size, name, 1) for size in _SIZES for name in store.SINGLE),
    *(_against_sqlite(size, store.TWO, 0.25) for size in _SIZES),
    Target(part="store", what="extra memory to stream a list of 100,000", than="", sense="<=",
           limit=20, read=_streamed, unit="MB"),
    _generated(generators.FAKER, 25),
    _generated(generators.MIMESIS, 3.5),
    _generated(peers.JSON_SCHEMA_FAKER, 8),
    Target(part="fixtures", what="memory to write a hundred times as many", than="", sense="<=",
           limit=5, read=_generating, unit="MB"),
    *(_flat(kind) for kind in ("show", "list, one filter", "list, entity and entity_id",
                               "list, definition and state", "list, two filters that never meet",
                               "resend", "delete")),
    *(Target(part="load", what=f"answers nothing explains, {server}", than="", sense="<=",
             limit=0, read=_of_load(server, _unexplained), unit="answers")
      for server in ("waitress", "granian")),
    *(Target(part="load", what=f"memory at the end, {server}", than="at a sixth of the time",
             sense="<=", limit=1.15, read=_of_load(server, memory_growth))
      for server in ("waitress", "granian")),
    _kit(kit.LOOPBACK, 3),
    _kit(kit.SCHEMATHESIS, 12),
    Target(part="plugin", what="a run of pytest that does not use the plugin", than="without it",
           sense="<=", limit=10, read=plugin.unused, unit="ms"),
    Target(part="plugin", what="a test that uses `crmcom_mock`", than="a plain one", sense="<=",
           limit=3, read=plugin.a_test, unit="ms"),
    *(Target(part="plugin", what=f"to stop a mock with {what}", than="", sense="<=", limit=100,
             read=_stopping(what), unit="ms")
      for what in (plugin.IDLE, plugin.BUSY)),
    *(_making(size) for size in ("200", "200000")),
    Target(part="worlds", what="memory of 10,000 worlds of 200 records", than="", sense="<=",
           limit=200, read=_many_worlds, unit="MB"),
)  # fmt: skip
