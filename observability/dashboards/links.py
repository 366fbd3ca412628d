"""Genomic links: which still wait for genomics, since when, and what the calls to it say."""

from __future__ import annotations

from observability.dashboards.calls import CALLS
from observability.dashboards.panels import Dashboard, Query, logs, row, stat, timeseries
from observability.dashboards.promql import EVERYBODY, REQUESTS, gauge, increase, lines, rate

CHECKED = "careway_link_verifications_total"
PENDING = "careway_links_pending"
AGE = "careway_links_pending_age_seconds"
ASKED = 'scope_name=~"clinical[.].*" or route=~".*genomic-links.*"'
LINE = 'line_format "{{.severity_text}} {{.scope_name}} {{__line__}} {{.status}} {{.route}} {{.trace_id}}"'

LINKS = Dashboard(
    "links",
    "Careway: links",
    "Genomic links: which still wait for genomics, since when, and what the calls to it say.",
    (
        stat(
            "Pending links",
            "Links that nobody has checked yet: high means that genomics does not answer, or verify_links does not run.",
            Query(gauge("max", PENDING), "pending"),
            alert="CarewayLinksPending",
            width=8,
        ),
        stat(
            "Age of the oldest",
            "How long a physician has waited for a link: high means the same.",
            Query(gauge("max", AGE), "age"),
            unit="s",
            alert="CarewayLinksPending",
            width=8,
            steps=[(3600, "red")],
        ),
        stat(
            "Checked",
            "Links checked in the time that is shown: high is load.",
            Query(increase(CHECKED), "checked"),
            decimals=0,
            width=8,
        ),
        row("Links"),
        timeseries(
            "Verifications by outcome",
            "Checks a second: many pending mean that genomics cannot be asked, many rejected that patients are mixed up.",
            Query(rate(CHECKED, by="outcome"), "{{outcome}}"),
            unit="ops",
            width=8,
            alert="CarewayLinksPending",
        ),
        timeseries(
            "Pending",
            "A line that climbs means that links come sooner than they are checked.",
            Query(gauge("max", PENDING, by="service_name"), "{{service_name}}"),
            width=8,
            alert="CarewayLinksPending",
        ),
        timeseries(
            "Age of the oldest pending link",
            "A line that climbs as time passes means that nothing is being checked.",
            Query(gauge("max", AGE, by="service_name"), "{{service_name}}"),
            unit="s",
            width=8,
            alert="CarewayLinksPending",
        ),
        *CALLS,
        row("Lines"),
        logs(
            "Lines about links",
            "Requests for links, and what clinical says of genomics: many ERROR lines mean that its token is refused.",
            lines(ASKED, LINE),
        ),
        logs(
            "Requests that genomics answered",
            "The same trace id as above is the other service's side of one link; many of 401 mean a token that it refuses.",
            lines(REQUESTS[0], 'route=~"genomics/.*"', REQUESTS[1], whose=EVERYBODY),
        ),
    ),
)
