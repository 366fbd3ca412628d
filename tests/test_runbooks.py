"""Runbooks: one for each alert, all of one form; what they ask is what is measured, and what docs/slo.md counts is so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import ceil, floor, inf, sqrt
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from django.conf import settings

from observability.rules import LEAST, rendered
from tests.chart.rendering import CHART, render
from tests.test_docs import CODE, FENCES, ROOT, rows, section

DOCS = ROOT / "docs"
RUNBOOKS = DOCS / "runbooks"
PAGES = sorted(RUNBOOKS.glob("*.md"))
OF_SERVICES: dict[str, Any] = yaml.safe_load((CHART / "files" / "services.yaml").read_text(encoding="utf-8"))
SERVICES = tuple(OF_SERVICES)
HEADINGS = ["What it means", "See it", "What to do", "How to know it is over"]
NAMESPACE = "team"
# What Prometheus makes of its own accord, of every rule that rings.
OF_PROMETHEUS = {"ALERTS"}
UNITS = {"s": "_seconds", "By": "_bytes", "1": "(_ratio)?"}
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


@cache
def rules(days: int = 30) -> list[dict[str, Any]]:
    """Every rule of a release of each service, and the platform's own."""
    promised = {name: {"period": days} for name in ("availability", "latency")}
    # The shortest window of three days holds four of such exports.
    values = {"slo": promised, "telemetry": {"exportSeconds": 5}}
    texts = [rendered(service, release=service, namespace=NAMESPACE, values=values) for service in SERVICES]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "observability" / "rules").glob("*.yaml")]
    return [rule for text in texts for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@cache
def of_others() -> set[str]:
    """Alerts that the chart knows and no service of this house has: a copy keeps them for a while (docs/copying.md)."""
    known = set(re.findall(r"^(Careway\w+):$", text_of(CHART / "templates" / "_rules.tpl"), re.MULTILINE))
    only = {name for each in OF_SERVICES.values() for name in each["alerts"]}
    here = {name for service in settings.AVAILABLE_SERVICES for name in OF_SERVICES.get(service, {}).get("alerts", ())}
    of_all = {alert["alert"] for alert in alerts()} - only
    return known - of_all - here


# --- One to one -------------------------------------------------------------------------------------------------------


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert {page.stem for page in PAGES} == {alert["alert"] for alert in alerts()} | of_others()


def test_every_alert_leads_to_its_page() -> None:
    assert len(alerts()) > len(PAGES)  # some alerts are a page and a ticket, or of both services
    for alert in alerts():
        assert alert["annotations"]["runbook_url"].endswith(f"/{alert['alert']}.md")


def test_the_page_on_call_lists_them_with_their_severities() -> None:
    listed = {
        CODE.sub("", row[0]): set(row[1].split(", "))
        for row in rows(section(text_of(DOCS / "on-call.md"), "The alerts"))
    }
    severities: dict[str, set[str]] = {}
    for alert in alerts():
        link = f"[{alert['alert']}](runbooks/{alert['alert']}.md)"
        severities.setdefault(link, set()).add(alert["labels"]["severity"])
    for name in of_others():
        severities.setdefault(f"[{name}](runbooks/{name}.md)", {"ticket"})
    assert listed == severities


# --- The form of a page -----------------------------------------------------------------------------------------------


@EACH_PAGE
def test_a_page_is_called_as_its_alert(page: Path) -> None:
    assert re.match(rf"# {page.stem}: \S", text_of(page))


@EACH_PAGE
def test_a_page_has_four_headings_in_one_order_and_something_below_each(page: Path) -> None:
    prose = FENCES.sub("", text_of(page))
    assert re.findall(r"^##+ (.+)$", prose, re.MULTILINE) == HEADINGS
    assert [title for title in HEADINGS if len(section(text_of(page), title).split()) < 15] == []
    assert re.search(r"^1\. ", section(text_of(page), "What to do"), re.MULTILINE)


@EACH_PAGE
def test_a_page_says_how_urgent_it_is(page: Path) -> None:
    head = text_of(page).split("\n## ")[0]
    severities = {alert["labels"]["severity"] for alert in alerts() if alert["alert"] == page.stem} or {"ticket"}
    assert {word for word in severities - {"none"} if f"everity {word}" not in head} == set()
    assert ("No severity" in head) == (severities == {"none"})


# --- What a page asks -------------------------------------------------------------------------------------------------


def queries(text: str) -> list[str]:
    """Each line of its blocks of PromQL, and what stands in the template between the words."""
    blocks = re.findall(r"^ *```promql\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`((?:sum|careway:)[^`]*[)}])`", FENCES.sub("", text))
    return [line.replace("[DURATION]", "[1h]") for line in "\n".join([*blocks, *inline]).splitlines() if line.strip()]


def metrics_in(query: str) -> set[str]:
    found: set[str] = set()

    def visit(expression: Any) -> None:
        if isinstance(expression, promql_parser.VectorSelector):
            found.add(str(expression.name))

    promql_parser.walk(promql_parser.parse(query), visit)
    return found


@cache
def documented() -> re.Pattern[str]:
    """The series of the instruments in the tables "Metrics", as Prometheus calls them."""
    names = []
    for document in DOCS.glob("*.md"):
        if "\n## Metrics\n" in text_of(document):
            # What stands under a heading below is about them, and names none.
            table = section(text_of(document), "Metrics").partition("\n### ")[0]
            for instrument, unit, *_ in rows(table):
                (name,) = CODE.findall(instrument)
                names.append(name.replace(".", "_") + UNITS.get(unit.strip("`"), ""))
    return re.compile(rf"({'|'.join(names)})(_total|_bucket|_count|_sum)?")


ASKING = [*PAGES, DOCS / "postmortem.md", DOCS / "observability.md", DOCS / "on-call.md", DOCS / "slo.md"]


@pytest.mark.parametrize("page", ASKING, ids=lambda path: path.stem)
def test_it_asks_for_what_is_measured_or_recorded(page: Path) -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {name for query in queries(text_of(page)) for name in metrics_in(query)}
    assert asked or page not in PAGES
    strange = {name for name in asked - recorded - OF_PROMETHEUS if not documented().fullmatch(name)}
    if strange and strange <= measured_by_others():
        pytest.skip(f"No service of this house measures {', '.join(sorted(strange))}: docs/copying.md, What waits.")
    assert strange == set()


@cache
def measured_by_others() -> set[str]:
    """What the pages of their alerts ask for."""
    pages = [page for page in PAGES if page.stem in of_others()]
    return {name for page in pages for query in queries(text_of(page)) for name in metrics_in(query)}


@EACH_PAGE
def test_its_commands_name_pods_and_containers_that_a_release_has(page: Path) -> None:
    releases = [render({**LEAST, "service": service}) for service in SERVICES]
    pods: dict[str, list[set[str]]] = {}
    for pod in (each for objects in releases for each in parts(objects, "template") if "spec" in each):
        component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
        kinds = ("containers", "initContainers")
        pods.setdefault(component, []).append({one["name"] for kind in kinds for one in pod["spec"].get(kind, ())})
    for command in re.findall(r"kubectl (?:.*\\\n)*.*", text_of(page)):
        named = re.findall(r"--container ([a-z-]+)", command)
        selected = re.findall(r"component=([a-z-]+)", command) or ["server"] * ("deployment/" in command)
        # Where one pod of a selector has no such container, kubectl shows nothing of the others.
        assert set(selected) <= pods.keys(), command
        assert [each for component in selected for each in pods[component] if not {*named} <= each] == [], command


def parts(value: Any, name: str) -> Iterator[Any]:
    """Whatever stands under that name, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name:
                yield inner
            yield from parts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from parts(inner, name)


# --- The arithmetic of docs/slo.md ------------------------------------------------------------------------------------


def number(expression: Any) -> float:
    """A product or a quotient of numbers."""
    if isinstance(expression, promql_parser.NumberLiteral):
        return float(expression.val)
    left, right = number(expression.lhs), number(expression.rhs)
    return left * right if str(expression.op) == "*" else left / right


def constant(query: str) -> float:
    """Of `vector(0.999)`."""
    expression: Any = promql_parser.parse(query)
    return number(expression.args[0])


def burns(expression: Any) -> list[tuple[str, str, float]]:
    """The long window, the short one and the threshold of each pair that `or` joins."""
    if isinstance(expression, promql_parser.ParenExpr):
        return burns(expression.expr)
    if str(expression.op) == "or":
        return burns(expression.lhs) + burns(expression.rhs)
    assert str(expression.op) == "and"
    sides = [expression.lhs, expression.rhs]
    windows = [re.findall(r"careway:slo_errors:rate(\w+)", str(side)) for side in sides]
    thresholds = {number(side.rhs) for side in sides}
    assert len(thresholds) == 1
    assert [len(found) for found in windows] == [1, 1]
    return [(windows[0][0], windows[1][0], thresholds.pop())]


@pytest.mark.parametrize("slo", ["availability", "latency"])
@pytest.mark.parametrize(("days", "lines"), [(30, slice(0, 3)), (3, slice(3, 6))])
def test_windows_and_factors_are_those_of_the_page(slo: str, days: int, lines: slice) -> None:
    table = rows(section(text_of(DOCS / "slo.md"), "Windows and factors"))
    assert len(table) == 6
    promised = {
        (severity, *CODE.findall(long), *CODE.findall(short), float(factor))
        for severity, _, long, short, factor in table[lines]
    }
    kept = [rule for rule in rules(days) if rule.get("record") == "careway:slo_objective:ratio"]
    objective = {constant(rule["expr"]) for rule in kept if rule["labels"]["slo"] == slo}
    assert len(objective) == 1
    budget = 1 - objective.pop()
    ringing = [rule for rule in rules(days) if "alert" in rule and rule["labels"].get("slo") == slo]
    assert len(ringing) == 2 * len(SERVICES)
    rendered_ones = {
        (rule["labels"]["severity"], long, short, round(threshold / budget, 6))
        for rule in ringing
        for long, short, threshold in burns(promql_parser.parse(rule["expr"]))
    }
    assert rendered_ones == promised


SHARES = {"all": 1, "half": 0.5, "a tenth": 0.1, "1 %": 0.01, "0.2 %": 0.002}
MINUTES = {"s": 1 / 60, "m": 1, "h": 60, "d": 24 * 60}


def minutes(duration: str) -> float:
    return int(duration[:-1]) * MINUTES[duration[-1]]


def rings_after(share: float, pairs: list[tuple[str, str, float]], base: float) -> float:
    """Minutes of steady traffic until both windows of a pair are above its threshold, of which this share fails."""

    def above(window: float, threshold: float) -> float:
        if share <= threshold:
            return inf
        if window == base:
            return base * threshold / share
        # A mean of what the shortest window has recorded, which rises until it is full.
        rising = sqrt(2 * base * window * threshold / share)
        return rising if rising <= base else window * threshold / share + base / 2

    return min(max(above(minutes(window), threshold) for window in (long, short)) for long, short, threshold in pairs)


def worded(found: float) -> str:
    whole = floor(found + 0.5) if found < inf else 0
    hours, rest = divmod(whole, 60)
    if hours >= 24:
        return f"{hours} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min" if whole else "none"


def test_how_soon_it_rings_is_what_the_windows_make_of_it() -> None:
    table = rows(section(text_of(DOCS / "slo.md"), "How soon it rings"))
    pairs: dict[str, list[tuple[str, str, float]]] = {}
    for rule in rules():
        if rule.get("alert") == "CarewayAvailabilityBudgetBurn" and rule["labels"]["service"] == SERVICES[0]:
            pairs[rule["labels"]["severity"]] = burns(promql_parser.parse(rule["expr"]))
    base = min(minutes(short) for each in pairs.values() for _, short, _ in each)
    computed = []
    for name, share in SHARES.items():
        page, ticket = (rings_after(share, pairs[severity], base) for severity in ("page", "ticket"))
        spent = f"{share * page / (30 * minutes('1d') * 0.001):.0%}".replace("%", " %") if page < inf else "–"
        computed.append([name, worded(page), worded(ticket), spent])
    assert table[:-1] == computed
    assert {rings_after(0.001, each, base) for each in pairs.values()} == {inf}
    assert table[-1][:3] == ["0.1 % or less", "none", "none"]


def test_the_least_traffic_is_what_one_failure_does_not_page_for() -> None:
    table = {row[0]: row[2] for row in rows(section(text_of(DOCS / "slo.md"), "Changing an objective"))}
    listed = re.findall(r"(\d+) at ([\d.]+) %", table["`minimumTraffic`"])
    assert len(listed) == 4
    for least, objective in listed:
        budget = 1 - Fraction(objective) / 100
        assert ceil(Fraction("1.5") / (Fraction("14.4") * budget)) == int(least)


def test_the_page_of_the_collector_has_every_block_of_its_file() -> None:
    file = yaml.safe_load((ROOT / "observability" / "collector.yaml").read_text(encoding="utf-8"))
    blocks = {CODE.findall(row[0])[0] for row in rows(section(text_of(DOCS / "observability.md"), "The collector"))}
    exporters = {name.partition("/")[0] + "/…" for name in file["exporters"]}
    assert blocks == {*(f"receivers: {name}" for name in file["receivers"]), *file["processors"], *exporters}


def test_the_promises_of_the_page_are_those_that_the_chart_begins_with() -> None:
    given = yaml.safe_load((ROOT / "chart" / "values.yaml").read_text(encoding="utf-8"))["slo"]
    (block,) = re.findall(r"```yaml\n(.*?)```", text_of(DOCS / "slo.md"), re.DOTALL)
    assert yaml.safe_load(block)["slo"] == given
    promises = {row[2]: row[1] for row in rows(section(text_of(DOCS / "slo.md"), "What is promised"))[:2]}
    for name, promise in promises.items():
        objective = given[name.strip("`").removeprefix("slo.")]["objective"]
        assert promise.startswith(f"{objective} % of ")


def test_the_bounds_of_the_threshold_are_those_of_the_page() -> None:
    schema = yaml.safe_load((ROOT / "chart" / "values.schema.json").read_text(encoding="utf-8"))
    bounds = schema["properties"]["slo"]["properties"]["latency"]["properties"]["threshold"]["enum"]
    table = {row[0]: row[1] for row in rows(section(text_of(DOCS / "slo.md"), "Changing an objective"))}
    assert [float(each) for each in re.findall(r"[\d.]+", table["`threshold`"])] == bounds
