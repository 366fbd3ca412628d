"""How pods begin, are replaced and end; migrations; and the commands that run by the clock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.chart.promises.release import Release
from tests.chart.rendering import component

# The exit status of a command that asks to be run again.
LATER = 75
HASH = re.compile(r"[0-9a-f]{64}")


def replaced_without_a_gap(release: Release) -> Iterator[str]:
    """Never fewer pods than asked for, and one more at most, with its connections to the database."""
    spec = release.server["spec"]
    if spec["strategy"] != {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}:
        yield f"the strategy is {spec['strategy']}"
    scaled = release.value("autoscaling.enabled")
    expected = None if scaled else 1 if release.trial else release.value("replicas")
    if spec.get("replicas") != expected:
        yield f"replicas are {spec.get('replicas')}"


def ends_in_time(release: Release) -> Iterator[str]:
    """preStop waits for the proxies, and the kernel for what runs: graceful time, drain, and telemetry's last words."""
    spec = release.serving
    server = spec["containers"][0]
    pause = release.value("preStopSeconds")
    if server.get("lifecycle") != ({"preStop": {"sleep": {"seconds": pause}}} if pause else None):
        yield f"lifecycle is {server.get('lifecycle')}"
    settings = release.value("settings")
    needed = pause + settings.get("CAREWAY_DRAIN_SECONDS", 0) + settings.get("CAREWAY_GRACEFUL_SECONDS", 30)
    if spec["terminationGracePeriodSeconds"] != needed + 10:
        yield f"{spec['terminationGracePeriodSeconds']} s, and {needed} are needed"


def probed(release: Release) -> Iterator[str]:
    """Three probes, of the values; ready is asked of the database, alive of nobody, and starting has its time."""
    server = release.serving["containers"][0]
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if server[name] != release.value(name):
            yield f"{name} is {server[name]}"
    if server["ports"] != [{"name": "http", "containerPort": 8000, "protocol": "TCP"}]:
        yield f"its ports are {server['ports']}"


def spread(release: Release) -> Iterator[str]:
    """Over zones and nodes, each version for itself; where that cannot be, pods run all the same."""
    spec = release.serving
    each = {"maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway", "matchLabelKeys": ["pod-template-hash"]}
    each["labelSelector"] = release.server["spec"]["selector"]
    keys = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    if spec["topologySpreadConstraints"] != [{"topologyKey": key, **each} for key in keys]:
        yield f"it is {spec['topologySpreadConstraints']}"
    if (spec.get("affinity") or {}) != release.value("affinity"):
        yield f"affinity is {spec.get('affinity')}"


def budgeted(release: Release) -> Iterator[str]:
    """A budget that leaves somebody and lets somebody go; and none where there is one pod."""
    pods = release.value("autoscaling.minReplicas" if release.value("autoscaling.enabled") else "replicas")
    needed = release.value("podDisruptionBudget.enabled") and pods > 1 and not release.trial
    if release.has("PodDisruptionBudget") != needed:
        yield "there is one, or none, and it should not be so"
    for budget in release.kind("PodDisruptionBudget"):
        spec = budget["spec"]
        if spec["minAvailable"] != release.value("podDisruptionBudget.minAvailable") or spec["minAvailable"] >= pods:
            yield f"it keeps {spec['minAvailable']} of {pods}"
        if spec["unhealthyPodEvictionPolicy"] != "AlwaysAllow" or "maxUnavailable" in spec:
            yield "a broken pod would hold up its node"


def scaled(release: Release) -> Iterator[str]:
    """By the values, where they say so."""
    if release.has("HorizontalPodAutoscaler") != release.value("autoscaling.enabled"):
        yield "it is there, or not, and should not be so"
    for each in release.kind("HorizontalPodAutoscaler"):
        spec, values = each["spec"], release.value("autoscaling")
        target = {"type": "Utilization", "averageUtilization": values["targetCPUUtilizationPercentage"]}
        if (spec["minReplicas"], spec["maxReplicas"]) != (values["minReplicas"], values["maxReplicas"]):
            yield f"it keeps to {spec}"
        if spec["metrics"] != [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]:
            yield f"it looks at {spec['metrics']}"


def restarted_by_settings(release: Release) -> Iterator[str]:
    """Pods carry the checksum of the settings, the same in the Deployment and in the migration."""
    templates = [release.server["spec"]["template"], *(pod for _, pod in release.components("migration"))]
    sums = {each["metadata"]["annotations"]["careway/settings"] for each in templates}
    if len(sums) != 1 or not all(HASH.fullmatch(each) for each in sums):
        yield f"the checksums are {sums}"
    annotations = release.server["spec"]["template"]["metadata"]["annotations"]
    if {"careway/settings": annotations["careway/settings"], **release.value("podAnnotations")} != annotations:
        yield f"its annotations are {annotations}"


def migrated_once(release: Release) -> Iterator[str]:
    """One Job, by a name of its content, without a time to live and without a hook, which survives evictions."""
    (job,) = (each for each in release.kind("Job") if component(each) == "migration")
    if not re.fullmatch(rf"{release.name}-migrate-[0-9a-f]{{8}}", job["metadata"]["name"]):
        yield f"its name is {job['metadata']['name']}"
    spec = job["spec"]
    if "ttlSecondsAfterFinished" in spec or "annotations" in job["metadata"]:
        yield "it goes by itself, or is a hook"
    evicted = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    later = {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [LATER]}}
    if spec["podFailurePolicy"] != {"rules": [evicted, later]} or spec["template"]["spec"]["restartPolicy"] != "Never":
        yield "an eviction would count as a failure"
    if spec["backoffLimit"] < 1 or spec["activeDeadlineSeconds"] < 3600:
        yield "it gives up too soon"
    *_, waiting = release.serving["initContainers"]
    if waiting["name"] != "migrations":
        yield f"the pods that serve wait for {waiting['name']}"


def by_the_clock(release: Release) -> Iterator[str]:
    """Each command of the service, at its time in UTC, never twice at once, and with an end."""
    commands = ["purge-idempotency", *release.facts["jobs"]]
    expected = {f"{release.name}-{name}": release.value("jobs")[name] for name in commands}
    export = release.value("exportHistory")
    if export["enabled"]:
        expected[f"{release.name}-export-history"] = {"schedule": export["schedule"], "suspend": False}
    jobs = {each["metadata"]["name"]: each["spec"] for each in release.kind("CronJob")}
    if set(jobs) != set(expected):
        yield f"there are {sorted(jobs)}"
    for name, spec in jobs.items():
        asked = (expected[name]["schedule"], expected[name]["suspend"])
        if (spec["schedule"], spec["suspend"], spec["timeZone"]) != (*asked, "Etc/UTC"):
            yield f"{name} is due {spec['schedule']}, {spec['timeZone']}"
        inner = spec["jobTemplate"]["spec"]
        if spec["concurrencyPolicy"] != "Forbid" or inner["template"]["spec"]["restartPolicy"] != "Never":
            yield f"{name} may run twice at once"
        if inner["activeDeadlineSeconds"] > 7200 or inner["backoffLimit"] > 2 or spec["startingDeadlineSeconds"] > 3600:
            yield f"{name} goes on too long"


def tested(release: Release) -> Iterator[str]:
    """By `helm test`, or as Jobs by the name of their content; with an end of two minutes, and once."""
    as_job = release.value("tests.asJob")
    roles = ["within", "stranger"] if release.value("networkPolicy.enabled") else ["within"]
    for role in roles:
        (each,) = (each for each in release.kind("Job" if as_job else "Pod") if f"-{role}" in each["metadata"]["name"])
        notes = each["metadata"]["annotations"]
        hook = {"helm.sh/hook": "test", "helm.sh/hook-delete-policy": "before-hook-creation"}
        if notes != ({"argocd.argoproj.io/sync-wave": "1"} if as_job else hook):
            yield f"{role} has {notes}"
        pattern = rf"{release.name}-{role}-[0-9a-f]{{8}}" if as_job else f"{release.name}-test-{role}"
        if not re.fullmatch(pattern, each["metadata"]["name"]):
            yield f"{role} is {each['metadata']['name']}"
        pod = each["spec"]["template"] if as_job else each
        if component(pod) != f"test-{role}" or pod["spec"]["restartPolicy"] != "Never":
            yield f"{role} is {component(pod)}"
        if pod["spec"]["activeDeadlineSeconds"] > 120:
            yield f"{role} takes too long"
        job = each["spec"]
        if as_job and not (1 <= job["backoffLimit"] <= 5 and job["activeDeadlineSeconds"] <= 900):
            yield f"{role} is tried for ever, or not again"
