"""`settings` takes what a process of the service reads, with the same bounds, but for what the chart sets itself."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings

from chassis.environment import Setting
from chassis.issuers import parse_issuers
from tests.chart.releases import ISSUER, SERVICES, everything, production, trial
from tests.chart.rendering import Refused, merged, named, render
from tests.chart.values import SCHEMA

# A copy of the house has a chart of Careway's services until somebody gives it its own (docs/copying.md).
pytestmark = pytest.mark.skipif(
    not set(SERVICES) & set(settings.AVAILABLE_SERVICES), reason="the chart is not of this house's services yet"
)
PROPERTIES: dict[str, dict[str, Any]] = SCHEMA["properties"]["settings"]["properties"]
DECLARED: dict[str, Setting] = {
    each.name: each for each in settings.DOCUMENTED_SETTINGS if not each.name.startswith("OTEL_")
}
# Values of their own, or the same in every pod: the port is the Service's, too.
OTHERWISE = {"CAREWAY_PORT"}


def set_by_the_chart() -> set[str]:
    """What it sets by itself in any release; a secret's `_FILE` is the secret."""
    releases = [make(service) for service in SERVICES for make in (trial, production, everything)]
    found = {name for each in releases for name in named(render({**each, "settings": {}}), "ConfigMap", "own")["data"]}
    return {secret if (secret := name.removesuffix("_FILE")) in DECLARED else name for name in found}


def bounds(setting: Setting) -> dict[str, Any]:
    """What the schema has to say of a setting, by the words that its row has."""
    if setting.bounds == "`true`, `false`":
        return {"type": "boolean"}
    if choices := re.findall(r"`(\w+)`(?:, |$)", setting.bounds) if setting.bounds.startswith("`") else []:
        return {"enum": choices}
    match = re.fullmatch(r"(\d+) to (\d+|`\w+`)", setting.bounds)
    assert match, setting
    # As many as another setting has: the schema cannot compare, so it takes that one's most.
    most = match[2] if match[2].isdigit() else bounds(DECLARED[match[2].strip("`")])["maximum"]
    return {"type": "integer", "minimum": int(match[1]), "maximum": int(most)}


def test_the_chart_serves_what_the_house_serves() -> None:
    assert list(SERVICES) == list(settings.AVAILABLE_SERVICES)
    assert SCHEMA["properties"]["service"]["enum"] == ["", *SERVICES]


def test_they_are_what_the_services_read_and_the_chart_does_not_set() -> None:
    # The chart's drain is over before SIGTERM; who puts nothing before the pods may want one of the process's own.
    assert set(PROPERTIES) == (set(DECLARED) - set_by_the_chart() - OTHERWISE) | {"CAREWAY_DRAIN_SECONDS"}


@pytest.mark.parametrize("name", sorted(PROPERTIES))
def test_their_bounds_are_the_process_s_own(name: str) -> None:
    assert PROPERTIES[name] == bounds(DECLARED[name])


def test_the_chart_sets_nothing_that_no_process_reads() -> None:
    # libpq's and OpenTelemetry's own.
    foreign = {"SSL_CERT_FILE", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_EXPORTER_OTLP_ENDPOINT"}
    foreign |= {"OTEL_METRIC_EXPORT_INTERVAL"}
    assert set_by_the_chart() - set(DECLARED) == foreign


ISSUERS: list[dict[str, Any]] = [
    {},
    {"audiences": []},
    {"audience_claim": "azp"},
    {"algorithms": ["HS256"]},
    {"algorithms": ["ES256", "EdDSA"]},
    {"name": "Upper"},
    {"issuer": "http://plain.example.org"},
    {"jwks_url": "http://plain.example.org"},
    {"jwks_file": "/etc/careway/key-sets/keys.json"},
    {"organization_claim": "organization"},
    {"organization": None, "organization_claim": "organization"},
    {"organization": None, "delegated": True},
    {"organization": None, "delegated": True, "scope_claims": ["sub"], "scope_map": {"a": ["genomics:read"]}},
    {"organization": None, "delegated": False, "scope_map": {"a": ["genomics:read"]}},
    {"scope_map": {"a": "genomics:read"}},
    {"scopes": ["a"]},
    {"jwks_url": None},
]


@pytest.mark.parametrize("change", ISSUERS, ids=str)
def test_an_issuer_is_refused_before_it_stops_a_process(change: dict[str, Any]) -> None:
    issuer = {key: value for key, value in {**ISSUER, **change}.items() if value is not None}
    _, faults = parse_issuers([issuer], development=False)
    try:
        render(merged(production(), {"issuers": [issuer]}))
    except Refused:
        assert faults
    else:
        assert faults == []
