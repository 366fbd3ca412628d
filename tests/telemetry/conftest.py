"""The real servers, once for all tests here: five of telemetry, two of ours, and what was driven through them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from observability.rules import rendered
from observability.stack import Stack, free_ports
from tests.servers import ROOT, Server
from tests.telemetry.services import RELEASES, asking, server_of
from tests.telemetry.stores import Jaeger, Loki, Prometheus, eventually
from tests.telemetry.walk import Walk, arrived

# Objectives over three days: the shortest window is 30 s, and not the five minutes of a month.
VALUES = {
    "telemetry": {"exportSeconds": 5},
    "slo": {"availability": {"period": 3}, "latency": {"period": 3}},
}
Cells = dict[str, str | float]
Line = Callable[[str, Cells], None]
TABLES = ROOT / "build" / "telemetry.json"


@pytest.fixture
def line(record_property: Callable[[str, object], None]) -> Line:
    """Adds a line, its cells by their headings, to a table that is printed at the end and kept in build/telemetry.json."""

    def add(table: str, cells: Cells) -> None:
        record_property("table", (table, cells))

    return add


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Of all processes of the run."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    tables: dict[str, list[Cells]] = {}
    for report in reports:
        for table, cells in (value for name, value in report.user_properties if name == "table"):
            tables.setdefault(table, []).append(cells)
    for table, lines in tables.items():
        rows = [list(lines[0]), *([_shown(each) for each in cells.values()] for cells in lines)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        terminalreporter.section(table)
        for row in rows:
            terminalreporter.line("  ".join(f"{each:<{width}}" for each, width in zip(row, widths, strict=True)))
    if tables:
        TABLES.parent.mkdir(exist_ok=True)
        held = json.loads(TABLES.read_text(encoding="utf-8")) if TABLES.exists() else {}
        TABLES.write_text(json.dumps({**held, **tables}, indent=2) + "\n", encoding="utf-8")


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,.0f}"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All five on free ports, with the rules of both releases."""
    folder = tmp_path_factory.mktemp("stack")
    rules = [folder / "*-rules.yaml"]
    running = Stack(folder, ports=free_ports(), rules=rules, interval="1s", decision_wait="2s", quick_alerts=True)
    if missing := running.missing():
        pytest.skip(f"{', '.join(missing)}: not on PATH; the servers of telemetry are built apart from the tests.")
    for release in RELEASES.values():
        text = rendered(release.service, release=release.service, namespace=release.namespace, values=VALUES)
        (folder / f"{release.service}-rules.yaml").write_text(text, encoding="utf-8")
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def prometheus(stack: Stack) -> Prometheus:
    return Prometheus(stack.url("prometheus"))


@pytest.fixture(scope="session")
def loki(stack: Stack) -> Loki:
    return Loki(stack.url("loki"))


@pytest.fixture(scope="session")
def jaeger(stack: Stack) -> Jaeger:
    return Jaeger(stack.url("jaeger"))


def _running(server: Server) -> Iterator[Server]:
    running = server.start()
    try:
        yield running
    finally:
        status = running.stop()
    assert status == 0


@pytest.fixture(scope="session")
def genomics(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Of the release `genomics` in the namespace `analyses`."""
    yield from _running(server_of("genomics", stack, tmp_path_factory.mktemp("genomics")))


@pytest.fixture(scope="session")
def clinical(stack: Stack, genomics: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Of the release `clinical` in the namespace `consultations`; it asks `genomics`."""
    yield from _running(server_of("clinical", stack, tmp_path_factory.mktemp("clinical"), **asking(genomics)))


@pytest.fixture(scope="session")
def walkthrough(genomics: Server, clinical: Server, prometheus: Prometheus, loki: Loki, jaeger: Jaeger) -> Walk:
    """The whole walkthrough, driven through both, and arrived in all three stores."""
    walk = Walk(genomics.url, clinical.url)
    walk.go()
    arrived(walk, prometheus, loki, jaeger)
    walk.ended = time.time()
    return walk


@pytest.fixture(scope="session")
def recorded(walkthrough: Walk, prometheus: Prometheus) -> float:
    """A time at which the rules of both releases had told of it: those of long windows stand on the shortest."""
    for release in RELEASES.values():
        expr = f'careway:slo_error_budget_remaining:ratio{{release="{release.service}"}}'
        eventually(lambda expr=expr: len(prometheus.query(expr)) == 2, 60)  # type: ignore[misc]  # bound at once
    return time.time()
