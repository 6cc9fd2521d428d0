"""The chart of the speed: an SVG made from the table of servers in RESULTS.md."""

import re
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

NAME = "speed.svg"
#: The image as RESULTS.md shows it.
IMAGE = f"![Requests a second of each server; the table of servers has the figures]({NAME})"

# In pixels.
_WIDTH, _TOP, _ROW, _BAR = 760, 60, 30, 18
_NAMES_WIDTH, _VALUES_WIDTH = 190, 90  # the columns beside the bars

# It draws its own background, since the page's theme may differ from the system's.
_STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .note { font-size: 12px; fill: #59636e; }
  .page { fill: #ffffff; stroke: #d1d9e0; }
  .ours { fill: #0969da; }
  .others { fill: #afb8c1; }
  .range { stroke: #1f2328; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .note { fill: #9198a1; }
    .page { fill: #0d1117; stroke: #3d444d; }
    .ours { fill: #4493f8; }
    .others { fill: #59636e; }
    .range { stroke: #f0f6fc; }
  }
"""


class Speed(NamedTuple):
    """How many requests a server answers in a second: the median, the smallest, the largest."""

    server: str
    shown: str  # as the table has it
    median: float
    least: float
    most: float


def speeds(results: str) -> Iterator[Speed]:
    """Yield the rows of the table of servers in RESULTS.md."""
    section = results.partition("## Servers\n")[2].partition("\n## ")[0]
    row = r"(?m)^\| (.+?) \| ([\d,.]+)(?: \(([\d,.]+).([\d,.]+)\))? \|"
    for name, shown, least, most in re.findall(row, section):
        values = (float(text.replace(",", "")) for text in (shown, least or shown, most or shown))
        yield Speed(name, shown, *values)


def chart(results: str) -> str:
    """Return the chart of RESULTS.md, fastest first; the same text gives the same bytes."""
    rows = sorted(speeds(results), key=lambda speed: -speed.median)
    height = _TOP + _ROW * len(rows) + 10
    scale = (_WIDTH - _NAMES_WIDTH - _VALUES_WIDTH) / max(speed.most for speed in rows)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="title">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="6"/>',
        '<text id="title" class="title" x="16" y="26">Requests a second: more is better</text>',
        '<text class="note" x="16" y="45">Bar: median round. Line: slowest to fastest. '
        "Blue: crmcom-kit.</text>",
    ]
    for at, speed in enumerate(rows):
        lines += _bar(speed, _TOP + _ROW * at, scale)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _bar(speed: Speed, top: int, scale: float) -> Iterator[str]:
    """Yield a row of the chart: the name, the bar, its range, and the figure."""
    kind = "ours" if re.match(r"mock\b", speed.server) else "others"
    middle, baseline = top + _ROW / 2, top + _ROW / 2 + 5
    ends = [_NAMES_WIDTH + value * scale for value in (speed.median, speed.least, speed.most)]
    median, least, most = (f"{end:.1f}" for end in ends)
    yield (
        f'<text x="{_NAMES_WIDTH - 10}" y="{baseline:g}" text-anchor="end">'
        f"{escape(speed.server)}</text>"
    )
    yield (
        f'<rect class="{kind}" x="{_NAMES_WIDTH}" y="{middle - _BAR / 2:g}" '
        f'width="{float(median) - _NAMES_WIDTH:.1f}" height="{_BAR}"/>'
    )
    yield f'<path class="range" d="M{least} {middle:g}H{most}"/>'
    yield f'<text x="{ends[2] + 8:.1f}" y="{baseline:g}">{escape(speed.shown)}</text>'
