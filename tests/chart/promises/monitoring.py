"""What rings and what is shown: the rules of a release and its objects for operators, made here a second time.

What an expression means is tried where a Prometheus is (tests/telemetry); here each is compared as text, in every format.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

from tests.chart.conditions import duration, everybody_refused, ingestion_failing, series_of, telemetry_absent
from tests.chart.promises.release import Release
from tests.chart.rendering import CHART, Object, component

# Table 5-8 of the SRE Workbook: severity, share of the budget in percent, and which part of the period the long window is.
BURNS = (("page", 2, 720), ("page", 5, 120), ("ticket", 10, 10))
PLAIN = ("configmap", "prometheusrule")
OBJECTIVES = {
    "availability": {
        "alert": "CarewayAvailabilityBudgetBurn",
        "page": "fails requests so often that its budget of errors will be spent in a few days",
        "ticket": "fails requests more often than its objective allows",
    },
    "latency": {
        "alert": "CarewayLatencyBudgetBurn",
        "page": "answers so slowly that its budget of slow requests will be spent in a few days",
        "ticket": "answers slowly more often than its objective allows",
    },
}


def objects_are_those_of_the_format(release: Release) -> Iterator[str]:
    """One format, its objects and no others, each with the labels that it is found by."""
    chosen, labels = release.value("monitoring.rules"), release.value("monitoring.labels")
    wanted = {
        "configmap": {("ConfigMap", "rules")},
        "prometheusrule": {("PrometheusRule", "rules")},
        "sloth": {("PrometheusRule", "rules"), ("PrometheusServiceLevel", "objectives")},
        "pyrra": {("PrometheusRule", "rules"), *(("ServiceLevelObjective", slo) for slo in OBJECTIVES)},
    }.get(chosen, set())
    if release.value("monitoring.dashboards"):
        wanted |= {("ConfigMap", f"dashboard-{name}") for name in release.facts["dashboards"]}
    found = {each["metadata"]["name"].removeprefix(f"{release.name}-"): each for each in _ours(release)}
    if {(each["kind"], name) for name, each in found.items()} != wanted:
        yield f"{chosen} makes {sorted(found)}"
    for name, each in found.items():
        own = release.value("monitoring.dashboardLabels") if name.startswith("dashboard-") else labels
        if each["kind"] == "ServiceLevelObjective":
            own = own | {f"pyrra.dev/{label}": value for label, value in (_owner(release) | _team(release)).items()}
        about = each["metadata"]["labels"]
        known = {label for label in about if label.startswith(("app.kubernetes.io/", "helm.sh/"))}
        if {label: about[label] for label in about.keys() - known} != release.value("labels") | own:
            yield f"{name} is found by {about}"


def rules_are_those_of_the_values(release: Release) -> Iterator[str]:
    """Windows, factors, guards and bounds of the objectives, and the other alerts, down to the last word."""
    if chosen := release.value("monitoring.rules"):
        groups = [_objective(release, slo) for slo in OBJECTIVES] if chosen in PLAIN else []
        yield from _differences({"groups": [*groups, _alerts(release)]}, _rendered(release))


def sloth_says_the_same(release: Release) -> Iterator[str]:
    """The objectives with their guard; the windows are the controller's."""
    for each in release.kind("PrometheusServiceLevel"):
        service = f"{release.namespace}.{release.name}"
        slos = [_level(release, slo) for slo in OBJECTIVES]
        yield from _differences({"service": service, "labels": _owner(release), "slos": slos}, each["spec"])


def pyrra_says_the_same(release: Release) -> Iterator[str]:
    """The objectives without the guard, which it cannot have; what its alerts say stands in annotations."""
    for each in release.kind("ServiceLevelObjective"):
        slo = each["metadata"]["name"].removeprefix(f"{release.name}-")
        promised = release.value(f"slo.{slo}")
        kind, metrics = ("ratio", ("errors", "total")) if slo == "availability" else ("latency", ("success", "total"))
        total, counted = _metrics(release, slo)
        spec = {
            "target": _text(promised["objective"]),
            "window": f"{promised['period']}d",
            "description": _description(release, slo),
            "indicator": {kind: {metrics[0]: {"metric": counted}, metrics[1]: {"metric": total}}},
            "alerting": {"name": OBJECTIVES[slo]["alert"], "absent": False},
        }
        yield from _differences(spec, each["spec"])
        said = _annotations(release, OBJECTIVES[slo]["alert"], OBJECTIVES[slo]["ticket"])
        annotations = {f"pyrra.dev/{name}": text for name, text in said.items()}
        yield from _differences(annotations, each["metadata"]["annotations"])


def dashboards_are_the_release_s_own(release: Release) -> Iterator[str]:
    """As the files are, but for uid, title and file, which no second release may have in one Grafana, and what is shown first."""
    own = f"{release.namespace}/{release.name}"
    first = {"namespace": release.namespace, "release": release.name}
    for each in _ours(release):
        name = each["metadata"]["name"].removeprefix(f"{release.name}-dashboard-")
        if name == each["metadata"]["name"]:
            continue
        wanted = json.loads((CHART / "files" / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
        wanted["uid"] += f"-{hashlib.sha256(own.encode()).hexdigest()[:8]}"
        wanted["title"] += f" ({own})"
        for choice in wanted["templating"]["list"]:
            if value := first.get(choice["name"]):
                choice["current"] = {"text": value, "value": value}
        found = {file: json.loads(text) for file, text in each["data"].items()}
        yield from _differences({f"{release.namespace}.{release.name}-{name}.json": wanted}, found)


def _ours(release: Release) -> list[Object]:
    return [each for each in release.ours if component(each) == "monitoring"]


def _rendered(release: Release) -> Any:
    """The plain rules, whatever object they are in."""
    if release.value("monitoring.rules") == "configmap":
        return yaml.safe_load(release.named("ConfigMap", f"{release.name}-rules")["data"]["rules.yaml"])
    return release.named("PrometheusRule", f"{release.name}-rules")["spec"]


def _owner(release: Release) -> dict[str, str]:
    return {"service": release.service, "namespace": release.namespace, "release": release.name}


def _team(release: Release) -> dict[str, str]:
    return {"team": release.value("monitoring.team") or release.namespace}


def _annotations(release: Release, alert: str, said: str) -> dict[str, str]:
    page = f"{release.value('monitoring.runbooks').rstrip('/')}/{alert}.md"
    return {"summary": f"{release.service} in {release.namespace} {said}", "runbook_url": page}


def _alert(release: Release, name: str, severity: str, expr: str, said: str, **more: str) -> dict[str, Any]:
    labels = {"severity": severity, **_team(release), **_owner(release)}
    return {"alert": name, "expr": expr, "labels": labels, "annotations": _annotations(release, name, said), **more}


def _text(number: float | Decimal) -> str:
    return f"{Decimal(str(number)).normalize():f}"


def _metrics(release: Release, slo: str) -> tuple[str, str]:
    """All requests, and those that are counted of them: the failed ones, or the ones in time."""
    series, service = series_of(release), release.service
    if slo == "availability":
        total = f'careway_requests_total{{{series},api="{service}",outcome'
        return f'{total}!~"limited|refused"}}', f'{total}="failed"}}'
    left_out = "|".join([".+/(openapi[.]json|docs)", *release.facts["unhurried"]])
    among = f'{series},http_route=~"{service}/.+",http_route!~"{left_out}",http_response_status_code!~"401|408|429|5.."'
    metric, bound = "http_server_request_duration_seconds", _text(release.value("slo.latency.threshold"))
    return f"{metric}_count{{{among}}}", f'{metric}_bucket{{{among},le="{bound}"}}'


def _rates(release: Release, slo: str, window: str) -> tuple[str, str]:
    """Requests per second, and the bad ones of them."""
    total, counted = (f"sum(rate({metric}[{window}]))" for metric in _metrics(release, slo))
    if slo == "availability":
        return total, counted
    bound = _text(release.value("slo.latency.threshold"))
    if bound.isdigit():
        counted = counted.replace(f'le="{bound}"', f'le=~"{bound}([.]0)?"')
    return total, f"clamp_min({total} - {counted}, 0)"


def _guard(release: Release, slo: str) -> str:
    promised = release.value(f"slo.{slo}")
    return f"{promised['minimumTraffic']} / {promised['period'] * 120}"


def _description(release: Release, slo: str) -> str:
    objective, bound = _text(release.value(f"slo.{slo}.objective")), _text(release.value("slo.latency.threshold"))
    how = "without a fault of the service" if slo == "availability" else f"within {bound} seconds"
    return f"{objective} percent of the requests are answered {how}"


def _objective(release: Release, slo: str) -> dict[str, Any]:
    """The group of one objective."""
    promised = release.value(f"slo.{slo}")
    days, labels = promised["period"], {"slo": slo, **_owner(release)}
    share, said = Decimal(str(promised["objective"])) / 100, OBJECTIVES[slo]
    selector = ",".join(f'{label}="{value}"' for label, value in labels.items())
    shortest = duration(days * 10)
    burns = [(severity, days * 86400 // part, _text(Decimal(spent * part) / 100)) for severity, spent, part in BURNS]
    windows = [seconds for _, long, _ in burns for seconds in (long // 12, long)]
    seconds = {duration(window): window for window in [*windows, days * 86400]}

    def series(what: str, window: str) -> str:
        return f"careway:slo_{what}:rate{window}{{{selector}}}"

    def record(name: str, expr: str) -> dict[str, Any]:
        return {"record": f"careway:slo_{name}", "expr": expr, "labels": labels}

    def burning(window: str, factor: str) -> str:
        ratio = f"{series('errors', window)} / clamp_min({series('requests', window)}, {_guard(release, slo)})"
        return f"{ratio} > {factor} * {_text(1 - share)}"

    def pair(long: int, factor: str) -> str:
        return f"(\n  {burning(duration(long), factor)}\n  and\n  {burning(duration(long // 12), factor)}\n)"

    rules = []
    for what, rate in zip(("requests", "errors"), _rates(release, slo, shortest), strict=True):
        means = {name: _mean(series(what, shortest), days, window) for name, window in seconds.items()}
        rules += [record(f"{what}:rate{window}", expr) for window, expr in (means | {shortest: rate}).items()]
    rules.append(record("objective:ratio", f"vector({_text(share)})"))
    spent = f"{series('errors', f'{days}d')} / ({series('requests', f'{days}d')} > 0)"
    rules.append(record("error_budget_remaining:ratio", f"1 - {spent} / {_text(1 - share)}"))
    for severity in ("page", "ticket"):
        expr = "\nor\n".join(pair(long, factor) for each, long, factor in burns if each == severity)
        alert = _alert(release, said["alert"], severity, expr, said[severity])
        rules.append({**alert, "labels": {"slo": slo, **alert["labels"]}})
    return {"name": f"careway:{release.namespace}:{release.name}:{slo}", "rules": rules}


def _mean(series: str, days: int, window: int) -> str:
    """Over the tiles of a window, those of a page five times as dense; what was not recorded counts as nothing."""
    step = days * 10 if window > days * 720 else days * 2
    return f"sum_over_time({series}[{duration(window)}:{duration(step)}]) / {window // step}"


def _alerts(release: Release) -> dict[str, Any]:
    """The group of the alerts beside those of the objectives."""
    series, patience = series_of(release), release.value("monitoring.patienceSeconds")
    recent, export = (duration(times * release.value("telemetry.exportSeconds")) for times in (4, 1))
    lasting = {"for": duration(patience)}

    def now(metric: str, which: str = "max", by: str = "") -> str:
        return f"{which}{by}({which}_over_time(careway_{metric}{{{series}}}[{recent}]))"

    used, limit = (
        f"last_over_time(careway_database_{name}{{{series}}}[{export}])"
        for name in ("connections", "connections_limit")
    )
    echo = {"keep_firing_for": duration(10 * release.value("slo.availability.period"))}
    known = {
        "CarewayDatabaseUnreachable": ("page", f"{now('database_reachable')} == 0", "reaches its database from no pod", echo),
        "CarewayTelemetryAbsent": ("page", telemetry_absent(release),
                                   "has sent no metrics, so that none of its other alerts can ring", lasting),
        "CarewayEverybodyRefused": ("page", everybody_refused(release), "refuses nearly everybody", {}),
        "CarewayDatabaseConnectionsNearLimit": ("ticket", f"max(max_over_time(({used} / {limit})[{recent}:{export}])) > 0.8",
                                                "has more than four fifths of the connections that the database allows it", lasting),
        "CarewayMigrationsPending": ("ticket", f"{now('migrations_pending')} > 0", "waits for migrations of its database", lasting),
        "CarewayKeySetStale": ("ticket", f"{now('key_set_age_seconds', by=' by (issuer) ')} > {6 * patience}",
                               "has an old key set of the issuer {{ $labels.issuer }}, since it cannot be read", {}),
        "CarewayCertificateExpiring": ("ticket", f"{now('certificate_expiry_seconds', 'min')} - time() < 30 * 86400",
                                       "trusts an authority of its database whose certificate expires within 30 days", {}),
        "CarewayIngestionFailing": (
            "ticket", ingestion_failing(release),
            "fails to store a tenth of the files that it is given, or turns most of them away", lasting),
        "CarewayLinksPending": ("ticket", f"{now('links_pending_age_seconds')} > {12 * patience}",
                                "has links to findings that wait to be verified for too long", {}),
    }  # fmt: skip
    names = [*list(known)[:7], *release.facts["alerts"]]
    rules = [_alert(release, name, *known[name][:3], **known[name][3]) for name in names]
    return {"name": f"careway:{release.namespace}:{release.name}:alerts", "rules": rules}


def _level(release: Release, slo: str) -> dict[str, Any]:
    """An objective as Sloth has it."""
    total, errors = _rates(release, slo, "{{.window}}")
    said = OBJECTIVES[slo]
    alerting: dict[str, Any] = {"name": said["alert"], "labels": {"slo": slo, **_team(release)}}
    for kind in ("page", "ticket"):
        annotations = _annotations(release, said["alert"], said[kind])
        alerting[f"{kind}Alert"] = {"labels": {"severity": kind}, "annotations": annotations}
    return {
        "name": slo,
        "objective": release.value(f"slo.{slo}.objective"),
        "description": _description(release, slo),
        "sli": {"events": {"errorQuery": errors, "totalQuery": f"clamp_min({total}, {_guard(release, slo)})"}},
        "alerting": alerting,
    }


def _differences(wanted: Any, found: Any, place: str = "") -> Iterator[str]:
    """Where two of the same shape are not the same, in the words of the place."""
    if isinstance(wanted, dict) and isinstance(found, dict) and wanted.keys() == found.keys():
        for name in wanted:
            yield from _differences(wanted[name], found[name], f"{place}/{name}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _differences(one, other, f"{place}/{number}")
    elif wanted != found:
        yield f"{place} is {found}, not {wanted}"
