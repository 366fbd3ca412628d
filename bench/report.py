"""docs/performance.md and its plots, from bench/results.json: `python -m bench.report`.

What stands between `<!-- measured: name -->` and `<!-- end -->` is written here; the words around it are people's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import results
from bench.bars import Bar, svg
from bench.contenders import NAMES as STACKS
from bench.goals import Measured, goals
from bench.works import NAMES as WORKS

DOCS = results.FILE.parent.parent / "docs"
PAGE = DOCS / "performance.md"
PLOTS = DOCS / "performance"
BLOCK = re.compile(r"(?<=^<!-- measured: )([a-z-]+)( -->\n).*?(?=^<!-- end -->)", re.MULTILINE | re.DOTALL)
READS = "reads"
# The works of each plot.
PLOTTED = {
    "requests": ("Capacity, in ratios to the floor", ("get-one", "list-50", "region-100", "post-one")),
    "pages": ("Pages and versions, in ratios to the floor", ("page-100", "page-last", "etag-304")),
    "probes": ("Probes, in ratios to the floor", ("readyz", "livez")),
}
Rows = Sequence[Mapping[str, Any]]


def page(old: str, whole: Mapping[str, Any]) -> str:
    """The page with its blocks written anew. Raises KeyError for a block that nobody writes."""
    rows: Rows = whole["rows"]
    of_reads = [row for row in rows if row["section"] == READS]
    written: dict[str, Callable[[], str]] = {
        "machine": lambda: machine(whole),
        "goals": lambda: table(("goal", "wanted", "reached", ""), goals(Measured(rows))) + provisos(whole),
        "ratios": lambda: by_stack(of_reads, WORKS, ratio),
        "spread": lambda: spread(of_reads),
        "costs": lambda: by_stack(of_reads, WORKS, cost),
        "latencies": lambda: by_stack(of_reads, WORKS, latency),
        "pages": lambda: by_stack(of_reads, ("page-100", "page-last"), to_first_page),
        "memory": lambda: by_stack(of_reads, ("memory",), memory),
        "others": lambda: others(rows),
    }
    return BLOCK.sub(lambda match: f"{match[1]}{match[2]}{written[match[1]]()}", old)


def plots(rows: Rows) -> dict[str, str]:
    """The content of each file of docs/performance, by its name."""
    found = {}
    for name, (title, works) in PLOTTED.items():
        groups = {work: bars for work in works if (bars := _bars(rows, READS, work))}
        if groups:
            found[f"{name}.svg"] = svg(title, groups)
    for section in _other_sections(rows):
        works = tuple(dict.fromkeys(row["work"] for row in rows if row["section"] == section))
        groups = {work: bars for work in works if len(bars := _bars(rows, section, work)) > 1}
        if groups:
            found[f"{section}.svg"] = svg(f"{section.capitalize()}, in ratios to its floor", groups)
    return found


def _bars(rows: Rows, section: str, work: str) -> list[Bar]:
    return [
        Bar(row["stack"], row["ratio_to_floor"], row.get("lowest"), row.get("highest"))
        for row in rows
        if (row["section"], row["work"]) == (section, work) and row["ratio_to_floor"] is not None
    ]


# --- Blocks -----------------------------------------------------------------------------------------------------------


def provisos(whole: Mapping[str, Any]) -> str:
    """What is not of a full run says so where it is read first."""
    quick = [section for section, about in whole["sections"].items() if about["size"] != "full"]
    return f"\nFrom quick runs, whose windows are short: {', '.join(quick)}.\n" if quick else ""


def machine(whole: Mapping[str, Any]) -> str:
    lines = []
    for section, about in whole["sections"].items():
        on = about["machine"]
        lines.append(
            (section, about["on"], about["size"], f"{on['cores']} cores of {on['processor']}, {on['memory_gib']} GiB",
             f"{on['system']}, Python {on['python']}")
        )  # fmt: skip
    return table(("section", "measured on", "data", "machine", "with"), lines)


def by_stack(rows: Rows, works: Iterable[str], cell: Callable[[Mapping[str, Any]], str]) -> str:
    """A line a work, a column a stack."""
    found = {(row["work"], row["stack"]): cell(row) for row in rows}
    lines = [(work, *(found.get((work, stack), "") for stack in STACKS)) for work in works]
    return table(("work", *STACKS), lines)


def ratio(row: Mapping[str, Any]) -> str:
    return f"{row['ratio_to_floor']:.2f}"


def cost(row: Mapping[str, Any]) -> str:
    return f"{row['app_ms']:.2f} + {row['postgres_ms']:.2f}" if "app_ms" in row else ""


def latency(row: Mapping[str, Any]) -> str:
    return f"{row['p50_ms']:.1f} / {row['p99_ms']:.1f}" if "p50_ms" in row else ""


def to_first_page(row: Mapping[str, Any]) -> str:
    return f"{row['cost_to_first_page']:.2f}" if "cost_to_first_page" in row else ""


def memory(row: Mapping[str, Any]) -> str:
    return f"{row['rest_mib']:.0f} → {row['loaded_mib']:.0f}" if "rest_mib" in row else ""


def spread(rows: Rows) -> str:
    """Lowest and highest ratio of any round: what two of them cannot tell apart is not told apart here."""
    spreads = [row for row in rows if row.get("lowest") is not None]
    return by_stack(spreads, WORKS, lambda row: f"{row['lowest']:.2f}–{row['highest']:.2f}")


def others(rows: Rows) -> str:
    """What other modules have measured, a table each, with their measures as columns."""
    parts = []
    for section in _other_sections(rows):
        mine = [row for row in rows if row["section"] == section]
        names = list(dict.fromkeys(name for row in mine for name in row if name != "section"))
        title = f"### {section.capitalize()}\n\n"
        plot = f"![{section}](performance/{section}.svg)\n\n" if f"{section}.svg" in plots(rows) else ""
        parts.append(title + plot + table(names, [[_text(row.get(name)) for name in names] for row in mine]))
    return "\n".join(parts) or "Nothing yet.\n"


def _other_sections(rows: Rows) -> list[str]:
    return sorted({row["section"] for row in rows} - {READS})


def _text(value: object) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int | float) else str(value)


def table(names: Iterable[str], lines: Iterable[Sequence[str]]) -> str:
    names = list(names)
    body = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n{body}"


# --- Files ------------------------------------------------------------------------------------------------------------


def files(whole: Mapping[str, Any]) -> dict[Path, str]:
    """What each file has to hold."""
    drawn = {PLOTS / name: text for name, text in plots(whole["rows"]).items()}
    return {PAGE: page(PAGE.read_text(encoding="utf-8"), whole), **drawn}


def main() -> None:
    wanted = files(results.read())
    PLOTS.mkdir(exist_ok=True)
    for old in PLOTS.glob("*.svg"):
        if old not in wanted:
            old.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
