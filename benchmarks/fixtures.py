"""Generated webhook requests a second, as JSON Lines."""

from time import process_time

from benchmarks.report import Plan, Section, spread
from crmcom_kit.fixtures import json_lines, stream


def measure(plan: Plan) -> Section:
    """Make records, and say how large they are."""
    count = plan.pick(20_000, 2_000)
    sizes: list[int] = []

    def per_second() -> float:
        began = process_time()
        sizes[:] = map(len, json_lines(stream("webhook_request", count=count, seed=7)))
        return count / (process_time() - began)

    samples = plan.visit({"`crmcom-kit fixtures`": per_second})
    section = Section("Fixtures")
    section.table(
        ("generator", "records/s of CPU time"),
        ((name, spread(values)) for name, values in samples.items()),
    )
    section.lines.append(f"A record has {sum(sizes) / count:,.0f} bytes.")
    return section
