"""What cannot be meant is refused before anything is installed, with a sentence that says what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.chart.releases import ASKING, FIRST, ISSUER, SERVICES, everything, production, trial, watched
from tests.chart.rendering import CHART, Refused, at, merged, render
from tests.chart.values import SCHEMA, closed, described, leaves

PRODUCTION_ONLY = "is for production: leave it out of a trial, or replace database.trial by database.host"
UNREACHED = "is empty, so that it could not be reached: name its namespace or its addresses"
UNMANAGED = "is required: the name of a secret in AWS Secrets Manager"
STORELESS = "is required, or secrets.external.store for a store that is there"
UNROUTED = "httpRoute needs parentRefs and hostnames: name its gateway, and the hosts of clients"
OF_A_FILE = {key: value for key, value in ISSUER.items() if key != "jwks_url"}
EXTERNAL = {"enabled": True, "store": "a", "secretKey": {"key": "a"}, "database": {"key": "a"}}
LEAST, TRIAL, FULL, ASKS, WATCHED = production(), trial(), everything(), everything(ASKING), watched()


def undrainable(kept: int, pods: int) -> str:
    return f"podDisruptionBudget.minAvailable is {kept} of {pods} pods, so that no node could be drained: lower it, or have more pods"


# A release, what is wrong with it, and the sentence that it is refused with: all that validation.yaml knows.
COMBINATIONS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (LEAST, {"service": ""}, f"service is required: set it to {' or '.join(sorted(SERVICES))}"),
    (LEAST, at("database.host", ""), "no database: set database.host, or database.trial=true for a first look without patients' data"),
    (LEAST | {"networkPolicy": {"enabled": False}, "secrets": {}, "issuers": []}, at("database.trial", True),
     "database.trial and database.host exclude each other: a trial has a database of its own"),
    *((TRIAL, merged(at(path, value), beside), f"{path} {PRODUCTION_ONLY}") for path, value, beside in (
        ("secrets.existing", "a", {}),
        ("secrets.external.enabled", True, at("secrets.external", EXTERNAL)),
        ("autoscaling.enabled", True, {}),
        ("exportHistory.enabled", True, at("exportHistory.claim", "a")),
        ("database.caConfigMap", "a", {}),
        ("database.options", {"connect_timeout": 3}, {}),
        ("database.direct.host", "a", {}),
        ("issuers", [OF_A_FILE | {"jwks_file": "/a"}], {}),
        ("ingress.enabled", True, at("ingress.hosts", ["a"])),
        ("httpRoute.enabled", True, {"httpRoute": {"hostnames": ["a"], "parentRefs": [{"name": "a"}]}}),
    )),
    (LEAST, at("image.digest", ""), "image.digest is required: sha256:… of the image, since a tag can come to mean another one"),
    (LEAST, {"issuers": []}, "issuers is empty, so that nobody could ask anything: name whose tokens are trusted (docs/operating.md)"),
    (LEAST, {"issuers": [OF_A_FILE | {"jwks_file": "/etc/careway/key-sets/a.json"}]},
     "the key set of the issuer people is a file of keySets: set that to the ConfigMap"),
    (FULL, at("secrets.existing", "a"), "secrets.existing and secrets.external.enabled exclude each other: choose one"),
    (LEAST, at("secrets.existing", ""),
     "there are no secrets, so set secrets.existing to a Secret of the namespace, or secrets.external.enabled"),
    *((FULL, at(f"secrets.external.{path}", ""), f"secrets.external.{path} {reason}") for path, reason in (
        ("secretKey.key", UNMANAGED), ("database.key", UNMANAGED), ("region", STORELESS), ("roleArn", STORELESS),
    )),
    (production(ASKING), at("peer.url", ""), f"peer.url is required: {ASKING} asks {SERVICES[ASKING]['asks']}"),
    (LEAST, {"peer": {"url": "http://a:8000"}, "networkPolicy": {"egress": {"peer": [{"namespace": "a"}]}}},
     f"peer.url is set, but {FIRST} asks no other service: leave it out"),
    *((ASKS, at(f"networkPolicy.egress.{way}", []), f"networkPolicy.egress.{way} {UNREACHED}")
      for way in ("database", "telemetry", "issuers", "peer")),
    (FULL, at("autoscaling.minReplicas", 7),
     "autoscaling.minReplicas is above autoscaling.maxReplicas: lower the one, or raise the other"),
    (LEAST, at("podDisruptionBudget.minAvailable", 2), undrainable(2, 2)),
    (LEAST, {"podDisruptionBudget": {"minAvailable": 2}, "replicas": 1}, undrainable(2, 1)),
    (FULL, at("podDisruptionBudget.minAvailable", 3), undrainable(3, 2)),
    (FULL, at("exportHistory.claim", ""), "exportHistory.claim is required: the PersistentVolumeClaim that holds the archive"),
    (FULL, at("team.subjects", []), "team.subjects is empty: name the group of the team"),
    (FULL, at("httpRoute.parentRefs", []), UNROUTED),
    (FULL, at("httpRoute.hostnames", []), UNROUTED),
    (FULL, at("ingress.hosts", []), "ingress.hosts is empty: name the hosts of clients"),
    (LEAST, at("settings.OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=b"),
     "settings.OTEL_EXPORTER_OTLP_TRACES_HEADERS may hold a secret, so give it by extraEnv, from a Secret"),
    (LEAST, at("settings.CAREWAY_TRANSACTION_POOLER", True),
     "database.direct.host is required with settings.CAREWAY_TRANSACTION_POOLER: migrations go past such a pooler"),
    (LEAST, at("settings.OTEL_RESOURCE_ATTRIBUTES", "a=b"),
     "settings.OTEL_RESOURCE_ATTRIBUTES is the chart's own: add to telemetry.attributes"),
    (LEAST, at("settings.OTEL_METRIC_EXPORT_INTERVAL", 5000),
     "settings.OTEL_METRIC_EXPORT_INTERVAL is what the windows of the alerts are measured by: set telemetry.exportSeconds"),
    *((LEAST, {"telemetry": {"tailSampled": True}, "settings": {name: "a"}},
       f"settings.{name} and telemetry.tailSampled exclude each other: where the collector samples, it needs every trace")
      for name in ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG")),
    *((LEAST, at(f"slo.{slo}.objective", objective),
       f"slo.{slo}.objective is {objective}, of which 14.4 times the budget is more than all requests, so that its page could "
       "never ring: raise it to 93.06 or more") for slo, objective in (("availability", 93.05), ("latency", 90))),
    (LEAST, at("slo.availability.objective", 99.99),
     "slo.availability.minimumTraffic is 120, so that one failed request alone would page at 99.99: raise it to 1042 or more"),
    (LEAST, {"slo": {"latency": {"objective": 99.5, "minimumTraffic": 20}}},
     "slo.latency.minimumTraffic is 20, so that one slow request alone would page at 99.5: raise it to 21 or more"),
    (WATCHED, at("telemetry.endpoint", ""),
     "telemetry.endpoint is required with monitoring.rules: alerts are made of the metrics that go there"),
    (WATCHED, at("monitoring.runbooks", ""),
     "monitoring.runbooks is required with monitoring.rules: the URL below which docs/runbooks is published, since every alert "
     "links to its page"),
    *((WATCHED, {"slo": {slo: {"period": 3}}, "telemetry": {"exportSeconds": 8}},
       f"slo.{slo}.period is 3 days, whose shortest window of 30 seconds holds fewer than four exports: lower "
       "telemetry.exportSeconds to 7, or choose a longer period") for slo in ("availability", "latency")),
    (WATCHED, at("monitoring.patienceSeconds", 59),
     "monitoring.patienceSeconds is 59, which holds fewer than four exports: raise it to 60 or more"),
    *((LEAST, {"extraEnv": [{"name": name, "value": "a"}]}, f"extraEnv must not name {name}: the chart sets it, or it belongs to settings")
      for name in ("CAREWAY_ENVIRONMENT", "DATABASE_URL", "K8S_POD_NAME", "SSL_CERT_FILE", "CAREWAY_THREADS")),
]  # fmt: skip
RELEASE_NAMES = [
    "a release cannot be named {}: a Service's name is a letter, then letters, digits and hyphens, and no word of YAML",
    "a release cannot be named {}: an object of another one may have that name, so choose another ending",
]


def refused(values: dict[str, Any], **options: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        render(values, **options)
    return caught.value


class TestCombinations:
    @pytest.mark.parametrize(
        ("values", "wrong", "reason"), COMBINATIONS, ids=[reason[:60] for *_, reason in COMBINATIONS]
    )
    def test_one_is_refused_with_its_sentence(self, values: dict[str, Any], wrong: dict[str, Any], reason: str) -> None:
        assert refused(merged(values, wrong)).reasons == [reason]

    def test_all_reasons_come_at_once(self) -> None:
        wrong = {"service": ASKING, "database": {"host": "a"}, "podDisruptionBudget": {"minAvailable": 9}}
        wrong |= {
            "team": {"enabled": True},
            "exportHistory": {"enabled": True},
            "telemetry": {"endpoint": "http://a:1"},
        }
        assert len(refused(wrong).reasons) == 9

    def test_every_sentence_of_the_chart_is_tried(self) -> None:
        text = (CHART / "templates" / "validation.yaml").read_text(encoding="utf-8")
        tried = [reason for *_, reason in COMBINATIONS] + RELEASE_NAMES
        assert [each for each in sentences(text) if not any(met(each, reason) for reason in tried)] == []

    @pytest.mark.parametrize("name", ["true", "null", "a.b", "1a", "42"])
    def test_a_release_is_named_as_a_service_can_be(self, name: str) -> None:
        assert refused(trial(), release=name).reasons == [RELEASE_NAMES[0].format(name)]

    @pytest.mark.parametrize("name", ["a-prove", "a-secrets", "a-rules", "a-dashboard-links", "a-trial-database"])
    def test_a_release_is_not_named_as_an_object_of_another_one(self, name: str) -> None:
        assert refused(trial(), release=name).reasons == [RELEASE_NAMES[1].format(name)]


def sentences(text: str) -> list[str]:
    """The chart's own sentences, with %s and %d for what is put in."""
    return [part.split('"')[1] for part in text.split("append $reasons ")[1:]]


def met(sentence: str, reason: str) -> bool:
    pieces = sentence.replace("%d", "%s").split("%s")
    return reason.startswith(pieces[0]) and reason.endswith(pieces[-1])


# What has names; those of resources are the cluster's, those of labels are anybody's, and both are free.
PARTS = {leaf.rpartition(".")[0] for leaf in leaves()} | {"settings", "database.options"}
PARTS = {path for path in PARTS if not path.endswith((".requests", ".limits", ".dashboardLabels"))}


class TestTheSchema:
    def test_every_object_is_closed(self) -> None:
        assert [path for path, schema in closed() if schema.get("additionalProperties") is not False] == []
        assert len(list(closed())) > 30

    def test_every_map_with_free_names_says_what_its_values_are(self) -> None:
        """What is Kubernetes' own is the exception: its shape is the API server's to know."""
        open_ones = {each.path for each in described() if each.schema == {"type": "object"}}
        items = {each.path for each in described() if each.schema.get("items") == {"type": "object"}}
        assert (open_ones, items) == (set(), {"extraVolumes", "sidecars", "extraObjects"})

    def test_an_unknown_name_is_refused_wherever_it_stands(self) -> None:
        typos = [at(f"{path}.typo".lstrip("."), "x") for path in PARTS]
        told = str(refused(merged(production(), *typos))).splitlines()
        assert {f"- {path or '(root)'}: Additional property typo is not allowed" for path in PARTS} - set(told) == set()

    def test_a_wrong_type_is_refused_wherever_it_stands(self) -> None:
        wrong = {path: at(path, {"wrong": {"type": []}}) for path in leaves()}
        told = str(refused(merged(production(), *wrong.values())))
        assert [path for path in wrong if not re.search(rf"^- {re.escape(path)}[.:]", told, re.MULTILINE)] == []

    @pytest.mark.parametrize(("path", "item"), [
        ("imagePullSecrets", {"name": "a"}),
        ("issuers", ISSUER),
        ("networkPolicy.egress.database", {"cidr": "10.0.0.0/8"}),
        ("networkPolicy.egress.database", {"namespace": "a"}),
        ("httpRoute.parentRefs", {"name": "a"}),
        ("team.subjects", {"kind": "User", "name": "a"}),
        ("limitRange", {"type": "Pod"}),
        ("tolerations", {"key": "a"}),
        ("extraEnv", {"name": "A"}),
        ("extraVolumeMounts", {"name": "memory", "mountPath": "/a"}),
    ])  # fmt: skip
    def test_an_unknown_name_in_a_list_is_refused(self, path: str, item: dict[str, Any]) -> None:
        render(merged(production(), at(path, [item])))
        told = str(refused(merged(production(), at(path, [{**item, "typo": "x"}]))))
        assert "typo" in told or "one and only one schema" in told

    @pytest.mark.parametrize(("path", "value"), [
        ("service", "pharmacy"),
        ("replicas", 0),
        ("replicas", "2"),
        ("image.digest", "sha256:short"),
        ("image.digest", "latest"),
        ("livenessProbe.httpGet.path", "/readyz"),
        ("networkPolicy.egress.aws", [{"cidr": "0.0.0.0/0"}]),
        ("networkPolicy.egress.aws", [{"cidr": "::/0"}]),
        ("networkPolicy.ingress.from", [{}]),
        ("networkPolicy.ingress.from", [{"podLabels": {"a": "b"}}]),
        ("networkPolicy.ingress.from", [{"cidr": "10.0.0.0/8", "port": 443}]),
        ("labels", {"app.kubernetes.io/component": "job"}),
        ("labels", {"team": "no blanks"}),
        ("podAnnotations", {"careway/settings": "x"}),
        ("database.host", "user@host"),
        ("database.host", "host/other?sslmode=disable"),
        ("database.name", "own?sslmode=disable"),
        ("database.options", {"sslmode": "disable"}),
        ("peer.url", "http://user:password@host"),
        ("peer.tokenSeconds", 60),
        ("settings.CAREWAY_ENVIRONMENT", "development"),
        ("settings.CAREWAY_THREADS", 0),
        ("issuers", [{**ISSUER, "issuer": "http://plain.example.org"}]),
        ("issuers", [{**ISSUER, "jwks_file": "/a"}]),
        ("issuers", [{key: value for key, value in ISSUER.items() if key != "organization"} | {"delegated": True}]),
        ("secrets.existing", "Upper"),
        ("slo.availability.objective", 89.99),
        ("slo.availability.objective", 99.991),
        ("slo.latency.objective", 100),
        ("slo.availability.period", 2),
        ("slo.availability.period", 31),
        ("slo.latency.period", 3.5),
        ("slo.latency.threshold", 0.3),
        ("slo.latency.minimumTraffic", 0),
        ("telemetry.exportSeconds", 0),
        ("telemetry.attributes", {"k8s.namespace.name": "other"}),
        ("telemetry.attributes", {"service.instance.id": "1"}),
        ("monitoring.rules", "nagios"),
        ("monitoring.runbooks", "docs/runbooks"),
        ("monitoring.patienceSeconds", 5),
        ("monitoring.selector", {"k8s-namespace": "a"}),
        ("monitoring.selector", {"job": "{{.window}}"}),
        *(("monitoring.selector", {label: "a"}) for label in ("__name__", "api", "le", "outcome", "http_route")),
        ("monitoring.labels", {"app.kubernetes.io/name": "a"}),
    ])  # fmt: skip
    def test_what_is_out_of_bounds_is_refused(self, path: str, value: Any) -> None:
        told = str(refused(merged(production(), at(path, value))))
        assert "don't meet the specifications of the schema" in told
        assert path.partition(".")[0] in told


@pytest.mark.parametrize("path", [
    *("slo", "slo.latency", "slo.latency.threshold", "slo.availability.minimumTraffic", "slo.availability.period"),
    *("monitoring.patienceSeconds", "monitoring.selector", "telemetry.exportSeconds", "telemetry"),
])  # fmt: skip
def test_what_is_left_blank_is_asked_for(path: str) -> None:
    """Helm takes a blank value for one to leave out, and its default with it."""
    above, _, name = path.rpartition(".")
    told = str(refused(merged(watched(), at(path, None))))
    assert f"- {above or '(root)'}: {name} is required" in told.splitlines()


def test_the_schema_is_one_that_helm_and_editors_read() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
