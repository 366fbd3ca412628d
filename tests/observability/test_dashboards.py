"""The dashboards are what is written for them, and ask for nothing that the services do not measure."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import promql_parser
import pytest
import yaml
from django.conf import settings

from observability.check import faults_of
from observability.dashboards.__main__ import FOLDER, main, outdated, texts
from observability.dashboards.panels import VARIABLES
from tests.observability.queries import CHOSEN, VARIABLE, Asked, asked, dashboards, filled

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTED = re.compile(r"^\| `((?:careway|db|http|process)\.[\w.]+)` \| (?:`([^`]*)`)? *\|", re.MULTILINE)
# What adds up for ever, and what has buckets; every other instrument is a value of now.
COUNTERS = {
    "careway.authentication.refusals",
    "careway.ingestions",
    "careway.link.verifications",
    "careway.pool.wait",
    "careway.requests",
    "careway.variants.ingested",
    "db.client.connection.timeouts",
    "process.cpu.time",
}
HISTOGRAMS = {
    "careway.ingestion.duration",
    "db.client.operation.duration",
    "db.client.response.returned_rows",
    "http.client.request.duration",
    "http.server.request.duration",
}
UNITS = {"s": "_seconds", "By": "_bytes", "1": "_ratio"}

# Which dashboards a service has. A copy of the house has others' until it writes its own (docs/copying.md).
OF_SERVICES: dict[str, list[str]] = {
    name: given["dashboards"]
    for name, given in yaml.safe_load((ROOT / "chart" / "files" / "services.yaml").read_text(encoding="utf-8")).items()
}
OWN = set.intersection(*map(set, OF_SERVICES.values())).union(
    *(given for name, given in OF_SERVICES.items() if name in settings.AVAILABLE_SERVICES)
)
PROMQL = [each for each in asked() if each.source == "prometheus"]
LOGQL = [each for each in asked() if each.source == "loki"]
PANELS = [(name, panel) for name, dashboard in dashboards().items() for panel in dashboard["panels"]]
SHOWN = [(name, panel) for name, panel in PANELS if panel["type"] != "row"]
GRAFANA = ROOT / "observability" / "grafana" / "datasources.yaml"
SOURCES = {each["uid"]: each for each in yaml.safe_load(GRAFANA.read_text(encoding="utf-8"))["datasources"]}
# What a page calls by its title: a word in italics, and not in bold.
NAMED = re.compile(r"(?<!\*)\*(?!\*)([^*]+)(?<!\*)\*(?!\*)")

MATCHER = r'\w+(=|!=|=~|!~)"[^"]*"'
STAGE = rf'({MATCHER}( or {MATCHER})*|line_format "[^"]*")'
LINES = rf"\{{{MATCHER}(,{MATCHER})*\}}( \| {STAGE})*"
COUNTED = rf"sum by \(\w+\) \(count_over_time\({LINES} \[\d+[smh]\]\)\) or vector\(0\)"


def names(instrument: str, unit: str) -> set[str]:
    """The series that Prometheus makes of an instrument it gets over OTLP."""
    name = instrument.replace(".", "_") + UNITS.get(unit, "")
    if instrument in HISTOGRAMS:
        return {f"{name}_{each}" for each in ("bucket", "count", "sum")}
    return {f"{name}_total"} if instrument in COUNTERS else {name}


def documented() -> dict[str, str]:
    found = [DOCUMENTED.findall(path.read_text(encoding="utf-8")) for path in (ROOT / "docs").glob("*.md")]
    return {instrument: unit for tables in found for instrument, unit in tables}


def selectors(expression: str) -> list[tuple[Any, int]]:
    """Each selector of a query, and how many aggregations it stands in."""
    found: list[tuple[Any, int]] = []
    depth = 0

    def enter(node: Any) -> None:
        nonlocal depth
        depth += isinstance(node, promql_parser.AggregateExpr)
        if isinstance(node, promql_parser.VectorSelector):
            found.append((node, depth))
        if isinstance(node, promql_parser.MatrixSelector):
            found.append((node.vector_selector, depth))

    def leave(node: Any) -> None:
        nonlocal depth
        depth -= isinstance(node, promql_parser.AggregateExpr)

    promql_parser.walk(promql_parser.parse(expression), enter, leave)
    return found


def metric_of(selector: Any) -> str:
    """Its name, or the pattern of its name."""
    by_matcher = [each.value for each in selector.matchers.matchers if each.name == "__name__"]
    return str(selector.name or by_matcher[0])


def test_the_files_are_what_is_written() -> None:
    assert not outdated(FOLDER, texts()), "python -m observability.dashboards"


def test_a_file_that_differs_is_missing_or_nobodys_is_found(tmp_path: Path) -> None:
    for name, text in texts().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert not outdated(tmp_path, texts())
    (tmp_path / "old.json").write_text("{}", encoding="utf-8")
    (tmp_path / "links.json").write_text("{}", encoding="utf-8")
    (tmp_path / "service.json").unlink()
    assert outdated(tmp_path, texts()) == ["links.json", "old.json", "service.json"]


def test_a_check_names_the_file_and_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("observability.dashboards.__main__.FOLDER", tmp_path)
    assert main(["--check"]) == 1
    assert "chart/files/dashboards/links.json is out of date" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert main([]) == 0
    assert main(["--check"]) == 0


def test_uids_and_titles_are_unique_and_fixed() -> None:
    found = {dashboard["uid"]: dashboard["title"] for dashboard in dashboards().values()}
    assert sorted(found) == ["careway-database", "careway-ingestion", "careway-links", "careway-service"]
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("name", dashboards())
def test_panels_have_a_number_and_a_title_of_their_own(name: str) -> None:
    panels = dashboards()[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    titles = Counter(panel["title"] for panel in panels if panel["type"] != "row")
    assert [title for title, number in titles.items() if number > 1] == []


@pytest.mark.parametrize("name", dashboards())
def test_panels_do_not_overlap(name: str) -> None:
    taken = Counter(
        (x, y)
        for place in (panel["gridPos"] for panel in dashboards()[name]["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    )
    assert max(taken.values()) == 1
    assert max(x for x, _ in taken) < 24


@pytest.mark.parametrize(
    ("name", "panel"), SHOWN, ids=lambda value: value if isinstance(value, str) else value["title"]
)
def test_a_panel_says_what_it_means_and_whom_it_asks(name: str, panel: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Z0-9].{20,160}\.( Runbook: Careway\w+\.)?", panel["description"])
    assert panel["datasource"]["uid"] in {"${datasource}", "${logs}"}
    assert {target["datasource"]["uid"] for target in panel["targets"]} == {panel["datasource"]["uid"]}
    if panel["type"] != "logs":
        unit = panel["fieldConfig"]["defaults"]["unit"]
        assert unit in {"bytes", "ops", "percentunit", "reqps", "s", "short"}


def test_every_runbook_that_a_panel_names_exists() -> None:
    named = {match for _, panel in SHOWN for match in re.findall(r"Runbook: (\w+)\.", panel["description"])}
    assert {name for name in named if not (ROOT / "docs" / "runbooks" / f"{name}.md").exists()} == set()


def test_no_source_is_named_but_by_a_variable() -> None:
    for text in texts().values():
        assert set(re.findall(r'"uid": "([^"]+)"', text)) <= {"${datasource}", "${logs}"} | {
            f"careway-{name}" for name in dashboards()
        }


@pytest.mark.parametrize("query", asked(), ids=str)
def test_a_query_asks_for_the_chosen_releases_alone(query: Asked) -> None:
    used = {match[1] or match[2] for match in VARIABLE.finditer(query.expr)}
    # The other service is another release, in another namespace than the chosen ones.
    assert {"namespace", "release"} <= used or query.panel == "Requests that genomics answered"
    assert used <= set(CHOSEN)
    assert {name for name in used if not name.startswith("__")} <= {each["name"] for each in VARIABLES}


@pytest.mark.parametrize("query", PROMQL, ids=str)
def test_a_query_adds_up_the_workers(query: Asked) -> None:
    found = selectors(filled(query.expr))
    assert found
    assert [metric_of(selector) for selector, depth in found if not depth] == []


@pytest.mark.parametrize("query", PROMQL, ids=str)
def test_a_metric_is_one_that_is_documented_or_recorded(query: Asked) -> None:
    if query.dashboard not in OWN:
        pytest.skip(f"The dashboard {query.dashboard} is of no service of this house: docs/copying.md, What waits.")
    known = set().union(*(names(*each) for each in documented().items()))
    recorded = (ROOT / "chart" / "templates" / "_rules.tpl").read_text(encoding="utf-8")
    for metric in {metric_of(selector) for selector, _ in selectors(filled(query.expr))}:
        if metric.startswith("careway:"):
            assert metric.removesuffix(".+") in recorded
        else:
            assert metric in {*known, "ALERTS"}, f"{metric} is no instrument of docs/*.md"


@pytest.mark.parametrize("query", [each for each in PROMQL if "careway:slo" not in each.expr], ids=str)
def test_where_nothing_happens_a_query_answers_0(query: Asked) -> None:
    assert "vector(0)" in query.expr


@pytest.mark.parametrize("query", LOGQL, ids=str)
def test_a_query_of_lines_has_the_form_of_one(query: Asked) -> None:
    assert re.fullmatch(f"{LINES}|{COUNTED}", filled(query.expr))


def test_what_a_page_names_of_a_dashboard_is_there() -> None:
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md")]
    about = [
        each for page in pages for each in page.split("\n\n") if re.search(r"^[^|].*dashboard(\*\*)? \*", each, re.M)
    ]
    named = {title for each in about for title in NAMED.findall(each)}
    titles = {*dashboards(), *(panel["title"] for _, panel in PANELS)}
    assert named & {panel["title"] for _, panel in SHOWN}
    assert {each for each in named if not any(title.startswith(each) for title in titles)} == set()


def test_counts_are_whole_and_an_objective_shows_its_nines() -> None:
    """An increase is extrapolated, so that three files are 3.01; and 99.95 % is not 100.0 %."""
    defaults = {panel["title"]: panel["fieldConfig"]["defaults"] for _, panel in SHOWN}
    counts = {each.panel for each in PROMQL if "increase(" in each.expr and defaults[each.panel]["unit"] == "short"}
    chosen = {title: given["decimals"] for title, given in defaults.items() if "decimals" in given}
    assert chosen == {**dict.fromkeys(counts, 0), "Objective": 2, "Error budget that is left": 2}


def test_durations_lead_to_traces() -> None:
    """One query of a panel asks for exemplars: those of one quantile are those of all. Grafana only asks the first."""
    asking = [
        (name, target["refId"], "histogram_quantile(0.99" in target["expr"])
        for name, panel in SHOWN
        for target in panel["targets"]
        if target.get("exemplar")
    ]
    assert set(asking) == {(name, "A", True) for name in dashboards()}
    assert len(asking) == len([each for each in PROMQL if "histogram_quantile(0.99" in each.expr])


def test_an_exemplar_leads_to_its_trace_in_explore_and_in_jaeger() -> None:
    """What Grafana makes of it only a browser shows; here, that it is what Explore documents."""
    explore, jaeger = SOURCES["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert (explore["name"], jaeger["name"]) == ("trace_id", "trace_id")
    assert jaeger["url"] == f"{SOURCES['jaeger']['url']}/trace/$${{__value.raw}}"
    address = urlsplit(explore["url"])
    asked_for = parse_qs(address.query, strict_parsing=True)
    assert (address.path, asked_for["schemaVersion"], asked_for["orgId"]) == ("/explore", ["1"], ["1"])
    (pane,) = json.loads(asked_for["panes"][0]).values()
    (query,) = pane["queries"]
    assert query["datasource"] == {"type": SOURCES[pane["datasource"]]["type"], "uid": pane["datasource"]}
    assert (query["datasource"]["type"], query["refId"], query["query"]) == ("jaeger", "A", "$${__value.raw}")
    assert set(pane["range"]) == {"from", "to"}


def test_an_exemplar_s_way_by_uid_is_refused() -> None:
    text = GRAFANA.read_text(encoding="utf-8").replace(
        "url: http://127.0.0.1:16686/trace/$", "datasourceUid: jaeger # "
    )
    (_, told) = map(str, faults_of("observability/grafana/datasources.yaml", text))
    assert "`datasourceUid` is no key of this place" in told


def test_a_trace_leads_to_its_lines() -> None:
    """By its id alone: Loki refuses a query whose braces are empty."""
    way = SOURCES["jaeger"]["jsonData"]["tracesToLogsV2"]
    assert (way["customQuery"], SOURCES[way["datasourceUid"]]["type"]) == (True, "loki")
    assert re.findall(r"\$\$\{([^}]*)\}", way["query"]) == ["__trace.traceId"]
    assert re.fullmatch(LINES, way["query"].replace("$${__trace.traceId}", "a" * 32))


def test_grafana_calls_nobody_when_it_starts() -> None:
    """Each setting is one of its ways out: reports, updates, apps that it would fetch, and news."""
    compose = yaml.safe_load((ROOT / "observability" / "compose.yaml").read_text(encoding="utf-8"))
    given = compose["services"]["grafana"]["environment"]
    off = {name for name, value in given.items() if value == "false"}
    assert {f"GF_ANALYTICS_{each}" for each in ("CHECK_FOR_UPDATES", "CHECK_FOR_PLUGIN_UPDATES")} <= off
    assert {"GF_ANALYTICS_REPORTING_ENABLED", "GF_NEWS_NEWS_FEED_ENABLED"} <= off
    assert given["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"


def test_an_instrument_that_is_renamed_is_found() -> None:
    assert names("http.server.request.duration", "s") >= {"http_server_request_duration_seconds_bucket"}
    assert names("careway.requests", "{request}") == {"careway_requests_total"}
    assert names("careway.links.pending.age", "s") == {"careway_links_pending_age_seconds"}
    assert "careway_requests_total" not in set().union(*(names(each, "") for each in ("careway.request", "requests")))
