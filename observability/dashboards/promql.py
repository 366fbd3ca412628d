"""The queries of the dashboards, worded once: whose series, summed over the workers, and 0 where nothing happens.

`instance` is one worker process: every query adds it up. What a worker that has ended said last, a gauge still counts for
five minutes: OTLP does not tell Prometheus that it is gone.
"""

from __future__ import annotations

from observability.dashboards.panels import Query

# The conventions' instruments have the same names in every program that Prometheus hears, so the service is asked for, too.
# The two variables match an absent label as well when all is chosen: outside Kubernetes there are none.
OURS = 'service_name=~"careway.*",k8s_namespace_name=~"$namespace",k8s_deployment_name=~"$release"'
# The other service is another release, in another namespace than the chosen ones.
EVERYBODY = 'service_name=~"careway.*"'
# What the rules record, and the alerts, carry the labels that the rules set.
RECORDED = 'namespace=~"$namespace",release=~"$release"'

# The line of each request, and how it is shown.
REQUESTS = (
    'scope_name="careway.request"',
    'line_format "{{.status}} {{.method}} {{.route}} {{.duration_ms}} ms {{.trace_id}}"',
)


def series(metric: str, *matchers: str) -> str:
    return f"{metric}{{{','.join((OURS, *matchers))}}}"


def or_zero(expression: str, by: str = "") -> str:
    """With a 0 where there is nothing: in health a panel says so, instead of having no data.

    `on ()` leaves the 0 out as soon as there is anything, which a plain `or` would draw as a line of its own for ever.
    """
    if not by:
        return f"{expression} or vector(0)"
    return f'{expression} or on () label_replace(vector(0), "{by.split(",", maxsplit=1)[0]}", "none", "", "")'


def gauge(how: str, metric: str, *matchers: str, by: str = "") -> str:
    """`how` is sum for what adds up, and min or max for what each worker says of the same thing."""
    grouping = f" by ({by}) " if by else ""
    return or_zero(f"{how}{grouping}({series(metric, *matchers)})", by)


def _rate(metric: str, *matchers: str, by: str) -> str:
    grouping = f" by ({by}) " if by else ""
    return f"sum{grouping}(rate({series(metric, *matchers)}[$__rate_interval]))"


def rate(metric: str, *matchers: str, by: str = "") -> str:
    return or_zero(_rate(metric, *matchers, by=by), by)


def increase(metric: str, *matchers: str) -> str:
    """How many there were in the time that the dashboard shows."""
    return or_zero(f"sum(increase({series(metric, *matchers)}[$__range]))")


def quantile(share: float, histogram: str, *matchers: str, by: str = "") -> str:
    """`>= 0` drops what is no number: the quantile of a time without any measurement."""
    buckets = _rate(f"{histogram}_bucket", *matchers, by=f"le,{by}" if by else "le")
    return or_zero(f"(histogram_quantile({share}, {buckets}) >= 0)", by)


def quantiles(histogram: str, *matchers: str) -> tuple[Query, ...]:
    """The exemplars of one are those of all three, and Grafana asks only the first query of a histogram for them."""
    return tuple(
        Query(quantile(each, histogram, *matchers), f"p{round(each * 100)}", exemplars=each == 0.99)
        for each in (0.99, 0.95, 0.5)
    )


def share(part: str, whole: str) -> str:
    """0 while there is nothing to divide."""
    return f"({part}) / clamp_min({whole}, 0.000001)"


def firing(by: str = "") -> str:
    """But the watchdog, which always does: it is of no severity."""
    grouping = f" by ({by}) " if by else ""
    chosen = f'alertname=~"Careway.*",alertstate="firing",severity!="none",{RECORDED}'
    return or_zero(f"sum{grouping}(ALERTS{{{chosen}}})", by)


def recorded(how: str, metric: str, by: str) -> str:
    return f"{how} by ({by}) ({metric}{{{RECORDED}}})"


def burn_rate() -> str:
    """How many times as fast as the period allows the budget is spent, for every window that the rules record.

    The windows are fractions of the period, so their names differ: the name's end becomes a label.
    """

    def windows(side: str) -> str:
        name = f"careway:slo_{side}:rate"
        found = f'{{__name__=~"{name}.+",{RECORDED}}}'
        return f'label_replace({found}, "window", "$1", "__name__", "{name}(.+)")'

    kept = "slo,service,namespace,release"
    spent = f"{windows('errors')} / on ({kept},window) clamp_min({windows('requests')}, 0.000001)"
    allowed = f"(1 - careway:slo_objective:ratio{{{RECORDED}}})"
    return f"max by (service,slo,window) ({spent} / on ({kept}) group_left () {allowed})"


def lines(*stages: str, whose: str = OURS) -> str:
    """Log lines of the chosen releases; of one trace alone once its id is given."""
    return " | ".join([f"{{{whose}}}", 'trace_id=~"$trace.*"', *stages])


def counted_lines(by: str, *stages: str) -> str:
    return f"sum by ({by}) (count_over_time({lines(*stages)} [$__auto])) or vector(0)"
