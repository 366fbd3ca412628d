"""Bars of ratios as SVG: text that a diff can show. A plotting library would be many times what this needs of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

# Distinguishable without colours too, since each bar has its name beside it.
COLOURS = {"floor": "#9aa5b1", "careway-bare": "#2a9d8f", "careway": "#1b6f66"}
OTHERS = "#d0a15c"
WIDTH, LABEL, BAR, GAP, HEAD, MARGIN = 760, 150, 16, 6, 30, 56


class Bar(NamedTuple):
    """A ratio, and its spread where that is known."""

    name: str
    ratio: float
    lowest: float | None = None
    highest: float | None = None


def svg(title: str, groups: Mapping[str, Sequence[Bar]]) -> str:
    """A group of bars for each work, all of one scale."""
    longest = max((bar.highest or bar.ratio) for bars in groups.values() for bar in bars)
    scale = (WIDTH - LABEL - MARGIN) / max(longest, 1.0)
    lines: list[str] = []
    y = HEAD
    for work, bars in groups.items():
        y += GAP
        lines.append(f'<text x="0" y="{y + 12}" class="work">{escape(work)}</text>')
        y += BAR + GAP
        for bar in bars:
            lines += _bar(bar, y, scale)
            y += BAR + 4
    one = LABEL + scale
    # The floor's line, over all groups.
    lines.append(f'<line x1="{one:.1f}" x2="{one:.1f}" y1="{HEAD}" y2="{y}" class="floor"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + GAP}" role="img" aria-label="{escape(title)}">\n'
        "<style>text{font:12px sans-serif;fill:#333}.work{font-weight:bold}.title{font-size:14px}"
        ".spread{stroke:#333}.floor{stroke:#333;stroke-dasharray:3 3}</style>\n"
        f'<rect width="100%" height="100%" fill="#fff"/>\n<text x="0" y="16" class="title">{escape(title)}</text>\n'
        + "\n".join(lines)
        + "\n</svg>\n"
    )


def _bar(bar: Bar, y: int, scale: float) -> list[str]:
    length, middle = bar.ratio * scale, y + BAR // 2
    end = max(length, (bar.highest or 0) * scale)
    found = [
        f'<text x="12" y="{y + 12}">{escape(bar.name)}</text>',
        f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{COLOURS.get(bar.name, OTHERS)}"/>',
        f'<text x="{LABEL + end + 6:.1f}" y="{y + 12}">{bar.ratio:.2f}</text>',
    ]
    if bar.lowest is not None and bar.highest is not None:
        left, right = (LABEL + each * scale for each in (bar.lowest, bar.highest))
        found.append(f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{middle}" y2="{middle}" class="spread"/>')
    return found
