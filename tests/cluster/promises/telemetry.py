"""One request can be followed through both services, their logs and their metrics; and no service needs a collector."""

from __future__ import annotations

import json
import secrets
from typing import Any

from tests.cluster.kubectl import eventually, kubectl, pods, rolled_out, within
from tests.cluster.links import linked
from tests.cluster.releases import must_be_installed, servers
from tests.cluster.watching import under_load, watched
from tests.cluster.world import NAMESPACES, PLATFORM, World

from . import promise

# As they name themselves.
BOTH = {f"careway-{service}" for service in NAMESPACES}


@promise(
    "telemetry.traced",
    "One request is found by its trace id in spans of both services, in their logs and in an exemplar of a metric",
    tried="POST …/genomic-links with a traceparent; what the collector was sent; kubectl logs",
    quick=True,
)
def traced(world: World) -> str:
    must_be_installed(world)
    rolled_out(PLATFORM, "collector")
    trace_id = secrets.token_hex(16)
    link = linked(world, traceparent=f"00-{trace_id}-{secrets.token_hex(8)}-01")
    assert link["verification"] == "verified", link
    spans = eventually(lambda: _spans(trace_id), 30, "spans of both services")
    lines = {service: _lines(service, trace_id) for service in NAMESPACES}
    assert all(lines.values()), f"{trace_id} is in the log of {[name for name, found in lines.items() if found]} alone"
    exemplars = eventually(lambda: _exemplars(trace_id), 30, "an exemplar of both services' metrics")
    return (
        f"{trace_id}: {len(spans)} spans of both services, {sum(map(len, lines.values()))} log lines,"
        f" exemplars of {', '.join(sorted({each['name'] for each in exemplars}))}"
    )


def _collected(trace_id: str) -> dict[str, list[dict[str, str]]]:
    return dict(json.loads(within(PLATFORM, "deployment/collector", "python", "/proof/receive.py", trace_id)))


def _spans(trace_id: str) -> list[dict[str, str]]:
    """Once both services have sent some."""
    return _of_both(_collected(trace_id)["spans"])


def _exemplars(trace_id: str) -> list[dict[str, str]]:
    return _of_both(_collected(trace_id)["exemplars"])


def _of_both(found: list[dict[str, str]]) -> list[dict[str, str]]:
    missing = BOTH - {each["service"] for each in found}
    assert not missing, f"nothing of {', '.join(sorted(missing))} among {len(found)}"
    return found


def _lines(service: str, trace_id: str) -> list[Any]:
    """Lines of the log that name the trace."""
    chosen = ("--selector", f"app.kubernetes.io/instance={service},app.kubernetes.io/component=server")
    told = kubectl("--namespace", NAMESPACES[service], "logs", *chosen, "--container", "server", "--tail=400")
    lines = [json.loads(line) for line in told.splitlines()]
    return [each for each in lines if each.get("trace_id") == trace_id]


@promise(
    "telemetry.missing",
    "Without a collector the services serve as with one, and send again once it is back",
    tried="kubectl scale deployment/collector --replicas=0 under load on both; its return, and another trace",
)
def missing(world: World) -> str:
    must_be_installed(world)
    rolled_out(PLATFORM, "collector")
    before = _states()
    told: list[str] = []
    try:
        with watched("genomics") as genomics, watched("clinical") as clinical, under_load(world, told):
            _scale(0)
        assert (genomics.least, clinical.least) == (2, 2), f"ready were only {genomics.least} and {clinical.least}"
        assert _states() == before, f"{before} became {_states()}"
    finally:
        _scale(1)
    trace_id = secrets.token_hex(16)
    linked(world, traceparent=f"00-{trace_id}-{secrets.token_hex(8)}-01")
    spans = eventually(lambda: _spans(trace_id), 60, "spans of both services, once the collector is back")
    return f"{'; '.join(told)}; never less than 2 ready, no restart; then {len(spans)} spans of another trace"


def _scale(replicas: int) -> None:
    kubectl("--namespace", PLATFORM, "scale", "deployment/collector", f"--replicas={replicas}")
    rolled_out(PLATFORM, "collector")
    eventually(lambda: len(pods(PLATFORM, "careway.test/proof=collector")) == replicas, 60, f"{replicas} collectors")


def _states() -> set[tuple[str, int]]:
    """The pods of both, and how often they were restarted."""
    return {
        (each["metadata"]["uid"], status["restartCount"])
        for service in NAMESPACES
        for each in servers(service)
        for status in each["status"]["containerStatuses"]
    }
