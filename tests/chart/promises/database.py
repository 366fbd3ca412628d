"""The settings that a process gets, the way to its database, and the trial's own database."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.chart.promises.release import Release
from tests.chart.rendering import ABOUT, Object, component


def settings(release: Release) -> Iterator[str]:
    """Production is production, a trial is development; a process serves one service, and is told of its database, its own
    names, the other service and the collector, and of nothing else. What values set goes before, as text without exponents."""
    expected = {
        "CAREWAY_ENVIRONMENT": "development" if release.trial else "production",
        "CAREWAY_SERVICES": release.service,
        "CAREWAY_VERSION": ABOUT["appVersion"],
        "CAREWAY_ALLOWED_HOSTS": ",".join(_hosts(release)),
        "CAREWAY_DRAIN_SECONDS": "0",
        "CAREWAY_SECRET_KEY_FILE": "/etc/careway/secrets/secret-key",
        "DATABASE_URL": release.database_url(),
        "DATABASE_USER_FILE": "/etc/careway/secrets/username",
        "DATABASE_PASSWORD_FILE": "/etc/careway/secrets/password",
    }
    if not release.value("database.caConfigMap"):
        expected["SSL_CERT_FILE"] = "/etc/ssl/certs/ca-certificates.crt"
    if issuers := release.value("issuers"):
        expected["CAREWAY_TRUSTED_ISSUERS"] = json.dumps(issuers, sort_keys=True, separators=(",", ":"))
    if url := release.value("peer.url"):
        prefix = f"CAREWAY_{release.facts['asks'].upper()}_"
        expected |= {f"{prefix}URL": url, f"{prefix}TOKEN_FILE": "/var/run/secrets/careway/token"}
    if endpoint := release.value("telemetry.endpoint"):
        expected |= {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_TRACES_SAMPLER": "always_on"}
        if not release.value("telemetry.tailSampled"):
            share = str(release.value("telemetry.tracedShare"))
            expected |= {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": share}
        expected["OTEL_METRIC_EXPORT_INTERVAL"] = str(release.value("telemetry.exportSeconds") * 1000)
        if release.value("telemetry.logs"):
            expected["OTEL_LOGS_EXPORTER"] = "otlp"
    for name, given in release.value("settings").items():
        expected[name] = str(given).lower() if isinstance(given, bool) else str(given)
    for name in sorted(expected.keys() | release.settings.keys()):
        if release.settings.get(name) != expected.get(name):
            yield f"{name} is {release.settings.get(name)!r}"


def _hosts(release: Release) -> list[str]:
    """The Service's names, and those of clients; Django's word for all names below one begins with a dot."""
    name, within = release.name, f"{release.name}.{release.namespace}"
    found = [name, within, f"{within}.svc", f"{within}.svc.cluster.local", *release.value("hosts")]
    for kind, key in (("ingress", "hosts"), ("httpRoute", "hostnames")):
        found += release.value(f"{kind}.{key}") if release.value(f"{kind}.enabled") else []
    return [host.removeprefix("*") for host in found]


def secrets_stay_in_secrets(release: Release) -> Iterator[str]:
    """The chart makes no Secret but a trial's, and what is in that one stands nowhere else."""
    secrets = release.kind("Secret")
    if [each["metadata"]["name"] for each in secrets] != ([release.name] if release.trial else []):
        yield f"Secrets are {[each['metadata']['name'] for each in secrets]}"
    for secret in secrets:
        if set(secret["stringData"]) != {"username", "password", "secret-key"} or secret["type"] != "Opaque":
            yield f"it holds {sorted(secret['stringData'])}"
        others = json.dumps([each for each in release.objects if each is not secret])
        for key in ("password", "secret-key"):
            if len(secret["stringData"][key]) < 32 or secret["stringData"][key] in others:
                yield f"the {key} is short, or stands elsewhere"
        if secret["stringData"]["username"] != "careway":
            yield "the user is another than the database's"


def trial_database(release: Release) -> Iterator[str]:
    """One at a time, with the password of the Secret, on a disk that dies with it; and none outside a trial."""
    name = f"{release.name}-trial-database"
    if [release.has(kind, name) for kind in ("Deployment", "Service")] != [release.trial] * 2:
        yield "it is where it should not be, or is not"
    if not release.trial:
        return
    deployment = release.named("Deployment", name)
    if deployment["spec"]["replicas"] != 1 or deployment["spec"]["strategy"] != {"type": "Recreate"}:
        yield "there may be two"
    pod = deployment["spec"]["template"]
    if component(pod) != "trial-database":
        yield "it has another component"
    (postgres,) = pod["spec"]["containers"]
    variables = {each["name"]: each["value"] for each in postgres["env"]}
    if variables != {
        "POSTGRES_DB": release.value("database.name") or f"careway_{release.service}",
        "POSTGRES_USER": "careway",
        "POSTGRES_PASSWORD_FILE": "/etc/postgres/password",
        "PGDATA": "/var/lib/postgresql/data",
    }:
        yield f"it is told {variables}"
    only = {"secretName": release.name, "defaultMode": 0o440, "items": [{"key": "password", "path": "password"}]}
    volumes: dict[str, tuple[str, Object]] = {
        "data": ("/var/lib/postgresql", {"emptyDir": {"sizeLimit": "2Gi"}}),
        "memory": ("/var/run/postgresql", {"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}),
        "temporary": ("/tmp", {"emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}),
        "secrets": ("/etc/postgres", {"secret": only}),
    }
    if pod["spec"]["volumes"] != [{"name": name, **source} for name, (_, source) in volumes.items()]:
        yield f"it has {pod['spec']['volumes']}"
    mounts: list[Object] = [{"name": name, "mountPath": path} for name, (path, _) in volumes.items()]
    if postgres["volumeMounts"] != [*mounts[:-1], {**mounts[-1], "readOnly": True}]:
        yield f"it mounts {postgres['volumeMounts']}"
    # Over TCP: while it is being made PostgreSQL answers on its socket alone.
    if "127.0.0.1" not in postgres["readinessProbe"]["exec"]["command"]:
        yield "it is ready before it is"
    if len(pod["metadata"]["annotations"]["careway/password"]) != 64:
        yield "another password would not begin it anew"
