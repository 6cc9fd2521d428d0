"""What each part measured, as tables in Markdown."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median
from typing import Any

from benchmarks import generators, inprocess, plugin, store
from benchmarks.targets import NotMeasured, memory_growth, mock_row, ratios

Lines = list[str]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median of some values, and the smallest and the largest where they differ."""
    middle, low, high = (f"{x:,.{digits}f}" for x in (median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low}-{high})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = True) -> Lines:
    """Return a table; its first column is text, and the others unless they are ``numbers``."""
    rule = ["---", *("---:" if numbers else "---" for _ in head[1:])]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def servers(part: Any) -> Lines:
    """The mock by each other row, then every row by itself."""
    visits = part["visits"]
    return [
        f"`show` of one webhook request, {part['answer_bytes']:,} bytes; 16 connections unless "
        "it says one.",
        "",
        *_by_others(visits),
        "",
        *table(
            ("server", "requests/s", "CPU us/request", "p50 ms", "p99 ms", "requests/s, one",
             "p50 ms, one", "start ms", "MB idle", "MB after", "core busy", "not 200"),
            (_server(name, _fine(found)) for name, found in visits.items() if _fine(found)),
        ),
        *_failures(visits),
    ]  # fmt: skip


def _by_others(visits: dict[str, Any]) -> Lines:
    """How many times as many requests a second the mock answers, and by CPU time alone."""
    mocks = []
    for server in ("granian", "waitress"):
        try:
            mocks.append(mock_row(visits, server))
        except NotMeasured:
            continue
    others = [name for name in visits if name not in mocks]
    rows = []
    for other in others:
        cells = [other]
        for mock in mocks:
            try:
                speed = ratios(visits, mock, other, "c16", "requests_per_second")
                thrift = ratios(visits, other, mock, "c16", "cpu_us")
                cells.append(f"{spread(speed)}; {median(thrift):.2f}")
            except NotMeasured:
                cells.append("")
        rows.append(cells)
    head = [f"{mock}: x requests/s; x by CPU time" for mock in mocks]
    return table(("of", *head), rows) if mocks else []


def _fine(found: list[Any]) -> list[Any]:
    return [one for one in found if "failed" not in one]


def _server(name: str, found: list[Any]) -> list[str]:
    def middle(pick: Callable[[Any], float], digits: int) -> str:
        return f"{median(pick(one) for one in found):,.{digits}f}"

    return [
        name,
        middle(lambda one: one["c16"]["requests_per_second"], 0),
        middle(lambda one: one["c16"]["cpu_us"], 1),
        middle(lambda one: one["c16"]["p50_ms"], 2),
        middle(lambda one: one["c16"]["p99_ms"], 2),
        middle(lambda one: one["c1"]["requests_per_second"], 0),
        middle(lambda one: one["c1"]["p50_ms"], 2),
        middle(lambda one: one["start_ms"], 0),
        middle(lambda one: one["idle_mb"], 0),
        middle(lambda one: one["after_mb"], 0),
        middle(lambda one: one["c16"]["busy"], 2),
        str(sum(one["c16"]["not_ok"] for one in found)),
    ]


def _failures(visits: dict[str, Any]) -> Lines:
    """One line for each row that failed in some round."""
    lines = []
    for name, found in visits.items():
        failed = [one["failed"] for one in found if "failed" in one]
        if failed:
            why = " ".join(failed[0].split())[:300]
            lines += ["", f"- {name} failed in {len(failed)} of {len(found)} rounds: {why}"]
    return lines


def in_process(part: Any) -> Lines:
    """CPU time of a call, and by the bare route's."""
    times = part["us"]
    bare = times[inprocess.BARE]
    rows = (
        [name, spread([a / b for a, b in zip(found, bare, strict=True)]), spread(found, 1)]
        for name, found in times.items()
    )
    return table(("call", f"x {inprocess.BARE}", "us"), rows)


def start(part: Any) -> Lines:
    """Milliseconds to the first answer, and memory."""
    rows = []
    for name, visits in part["visits"].items():
        found = _fine(visits)
        if found:
            ready = [one["ready_ms"] for one in found if "ready_ms" in one]
            rows.append([
                name,
                spread([one["first_ms"] for one in found], 0),
                spread(ready, 0) if ready else "",
                spread([one["idle_mb"] for one in found], 1),
            ])  # fmt: skip
    head = ("server", "first answer, ms", "READY line, ms", "idle MB")
    return [*table(head, rows), *_failures(part["visits"])]


def stores(part: Any) -> Lines:
    """Memory a record, then us a question, for each size."""
    raw, stream = part["raw"], part["stream"]
    memory = [row for size, sides in part["sizes"].items() for row in _memory(size, sides, raw)]
    times = [row for size, sides in part["sizes"].items() for row in _questions(size, sides)]
    extra = stream["extra_bytes"]
    shown = "could not be measured here" if extra is None else f"{extra / 1e6:.1f} MB"
    return [
        f"A record's own texts are {raw['body']:,.0f} bytes (what an answer carries) and "
        f"{raw['data']:,.0f} bytes (what was sent); everything beyond is the store's.",
        "",
        *table(("store", "bytes a record", "of it beyond the texts",
                "first write after a start, ms", "its copy, bytes a record",
                "us to insert, making it included"), memory),
        "",
        *table(("question", "x sqlite", "us", "sqlite, us", "found"), times),
        "",
        f"A list of {stream['records']:,} records, {stream['bytes'] / 1e6:,.0f} MB, was streamed "
        f"in {stream['seconds']:.1f} s; peak memory rose by: {shown}.",
    ]  # fmt: skip


def _memory(size: str, sides: Any, raw: dict[str, float]) -> Iterator[list[str]]:
    count = int(size)
    for side in store.SIDES:
        each = sides[side]["memory"]["bytes"] / count
        first = sides[side].get("first write")
        yield [
            f"{side}, {count:,} records",
            f"{each:,.0f}",
            f"{each - raw['body'] - raw['data']:,.0f}",
            "" if first is None else f"{first['seconds'] * 1000:,.1f}",
            "" if first is None else f"{first['bytes'] / count:,.0f}",
            f"{sides[side]['memory']['seconds'] / count * 1e6:,.1f}",
        ]


def _questions(size: str, sides: Any) -> Iterator[list[str]]:
    for name in store.QUESTIONS:
        ours, theirs = ([one["us"] for one in sides[side][name]] for side in store.SIDES)
        hits = median(one["hits"] for one in sides["mock"][name])
        ratio = [a / b for a, b in zip(ours, theirs, strict=True)]
        what = "show by number" if name == store.SHOW else f"page by {name}"
        what = f"{what}, {int(size):,} records"
        yield [what, spread(ratio), spread(ours, 1), spread(theirs, 1), f"{hits:.0f}"]


def generated(part: Any) -> Lines:
    """Records a second of each generator, and by the slower ones'."""
    visits = part["visits"]
    ours = [one["records_per_second"] for one in visits[generators.OURS]]
    rows = []
    for name, found in visits.items():
        speeds = [one["records_per_second"] for one in found]
        times = spread([a / b for a, b in zip(ours, speeds, strict=True)], 1)
        rows.append([name, times, spread(speeds, 0), f"{median(o['bytes'] for o in found):,.0f}"])
    peaks = ", ".join(
        f"{int(count):,} records: {'unknown' if extra is None else f'{extra / 1e6:.1f} MB'}"
        for count, extra in part["memory"].items()
    )
    head = (
        "generator",
        f"{generators.OURS}, times as quick",
        "records/s of CPU time",
        "bytes each",
    )
    return [*table(head, rows), "", f"Peak memory that writing takes beyond the rest: {peaks}."]


def growth(part: Any) -> Lines:
    """Each kind of call by size, then start and memory."""
    sizes = list(part["memory"])
    calls = []
    for kind, by_size in part["times"].items():
        found = ([one["us"] for one in by_size[size] if "us" in one] for size in sizes)
        calls.append([kind, *(spread(values, 0) if values else "failed" for values in found)])
    starts, served, own = [], [], []
    for size in sizes:
        one = part["start"].get(size, {"left_out": ""})
        starts.append(f"{one['seconds']:,.2f}" if "seconds" in one else one["left_out"])
        served.append(f"{one['memory_mb']:,.0f}" if "memory_mb" in one else "")
        own.append(f"{part['memory'][size]['bytes'] / int(size):,.0f}")
    rows = [
        *calls,
        ["start from a file, s", *starts],
        ["memory when started, MB", *served],
        ["a record of a world in process, bytes", *own],
    ]
    head = [f"{int(size):,} records" for size in sizes]
    return [
        "CPU time of one call in us, the whole mock in process; a page is 20 records.",
        "",
        *table(("call", *head), rows),
        "",
        "![growth](growth.png)",
    ]


def load(part: Any) -> Lines:
    """Each server under the mixed load."""
    rows = []
    details = []
    for name, row in part["rows"].items():
        samples = row["memory_mb"]
        rows.append([
            name, f"{row['requests']:,}", str(row["unexplained_total"]), str(row["tracebacks"]),
            str(row["resets"]), f"{row['p50_ms']:.1f}", f"{row['p99_ms']:.1f}",
            f"{row['longest_ms']:.0f}",
            f"{samples[0]:.0f} / {samples[len(samples) // 2]:.0f} / {samples[-1]:.0f}",
            f"{memory_growth(row):.2f}",
        ])  # fmt: skip
        details += [f"- {name}: {text}: {n}" for text, n in row["unexplained"].items()]
    mix = ", ".join(f"{kind} {share} %" for kind, share in part["mix"].items())
    return [
        f"{part['seconds']} s from {part['connections']} connections, each waiting for its "
        f"answers: {mix}; the world is reset every 2 s.",
        "",
        *table(("server", "answers", "unexplained", "tracebacks", "resets", "p50 ms", "p99 ms",
                "longest ms", "MB start / middle / end", "MB end / at a sixth"), rows),
        *(["", *details] if details else []),
    ]  # fmt: skip


def contract_kit(part: Any) -> Lines:
    """Calls a second of the kit's state machine, and Schemathesis's cases."""
    rows = []
    for name, visits in part["visits"].items():
        found = _fine(visits)
        if found:
            speed = spread([one["calls_per_second"] for one in found], 0)
            rows.append([name, speed, f"{median(one['calls'] for one in found):,.0f}"])
    head = ("what", "calls/s", "calls in a run")
    return [*table(head, rows), *_failures(part["visits"])]


def pytest_plugin(part: Any) -> Lines:
    """What the plugin adds to runs of pytest, and how long a mock takes to stop."""
    ms = part["ms"]
    rows = [
        ["a run that does not use it, more CPU time", spread(plugin.unused(part), 1)],
        ["a test that uses `crmcom_mock`, more CPU time", spread(plugin.a_test(part), 2)],
        ["the first such test of a run, more CPU time", spread(plugin.first_use(part), 0)],
        [f"to stop, with {plugin.IDLE}", spread(ms[plugin.IDLE], 1)],
        [f"to stop, with {plugin.BUSY}", spread(ms[plugin.BUSY], 1)],
        [f"whole: {plugin.WITHOUT}, CPU time", spread(ms[plugin.WITHOUT], 0)],
    ]
    return table(("what", "ms"), rows)


def worlds(part: Any) -> Lines:
    """What making a world takes, and the memory of many."""
    rows = [
        [f"{int(size):,} records in the start world", spread(us, 1)]
        for size, us in part["us"].items()
    ]
    count, memory = part["worlds"], part["memory"]
    each = [
        [what, f"{memory[name] / 1_000_000:,.1f}", f"{memory[name] / count:,.0f}"]
        for name, what in (("made", "made"), ("asked", "and asked once, by show"))
    ]
    return [
        *table(("making a world", "CPU us"), rows),
        "",
        *table((f"{count:,} worlds", "MB", "bytes each"), each),
    ]
