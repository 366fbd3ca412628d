"""When the longer alerts of a release ring, as expressions made from its values and not from the chart."""

from __future__ import annotations

from math import ceil

from tests.chart.promises.release import Release


def duration(seconds: int) -> str:
    """In the largest unit that is whole."""
    unit, size = next(
        (unit, size) for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)) if not seconds % size
    )
    return f"{seconds // size}{unit}"


def series_of(release: Release) -> str:
    default = {"k8s_deployment_name": release.name, "k8s_namespace_name": release.namespace}
    selector = release.value("monitoring.selector") or default
    return ",".join(f'{label}="{value}"' for label, value in sorted(selector.items()))


def _grown(release: Release, metric: str, matcher: str, window: str, offset: str = "") -> str:
    labels = ",".join(part for part in (series_of(release), matcher) if part)
    return f"sum(increase(careway_{metric}_total{{{labels}}}[{window}]{offset}))"


def telemetry_absent(release: Release) -> str:
    patience, seconds = release.value("monitoring.patienceSeconds"), release.value("telemetry.exportSeconds")
    quarter, half, most = duration(3 * patience), ceil(patience / (2 * seconds)), 4 * patience // (5 * seconds)
    series = f'careway_requests_total{{{series_of(release)},api="{release.service}",outcome="answered"}}'
    answered = f"{series}[{duration(patience)}]"
    sent = f"max(count_over_time({answered}))"
    best = f"max_over_time({sent}[{quarter}:{duration(patience // 5)}])"
    earlier = f"max(count_over_time({series}[{quarter}] offset {quarter}))"
    return f"{sent} < {half} or {best} < {most} and {earlier} or max(absent_over_time({answered}))"


def everybody_refused(release: Release) -> str:
    patience = release.value("monitoring.patienceSeconds")
    (refused, *then), (others, *usual) = (
        [
            _grown(
                release, "requests", f'api="{release.service}",outcome{who}"refused"', duration(3 * patience), offset
            )
            for offset in ("", " offset 7d", f" offset {duration(12 * patience)}")
        ]
        for who in ("=", "!=")
    )
    return f"{refused} - ({' or '.join(then)}) > 0.25 * (({' or '.join(usual)}) > 20 > 10 * {others})"


def ingestion_failing(release: Release) -> str:
    hour = duration(12 * release.value("monitoring.patienceSeconds"))
    limited = _grown(release, "requests", f'api="{release.service}",outcome="limited"', hour)
    failed, ingested = (_grown(release, "ingestions", matcher, hour) for matcher in ('outcome="failed"', ""))
    return f"{failed} > 2.5 and {failed} >= 0.1 * {ingested} or {limited} > 10 and {limited} > 9 * ({ingested} or vector(0))"
