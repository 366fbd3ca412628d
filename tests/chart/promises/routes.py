"""The ways in: the Service, the route, the Ingress."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chart.promises.release import Release


def served(release: Release) -> Iterator[str]:
    """One port by name, with its protocol, so that a mesh can be laid over it. The port is the pod's own: EKS asks that."""
    spec = release.named("Service", release.name)["spec"]
    port = {"name": "http", "port": 8000, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"}
    if spec["type"] != "ClusterIP" or spec["ports"] != [port]:
        yield f"it is {spec}"
    if release.trial:
        spec = release.named("Service", f"{release.name}-trial-database")["spec"]
        port = {
            "name": "postgres",
            "port": 5432,
            "targetPort": "postgres",
            "protocol": "TCP",
            "appProtocol": "postgresql",
        }
        if spec["type"] != "ClusterIP" or spec["ports"] != [port]:
            yield f"the database is served {spec}"


def routed(release: Release) -> Iterator[str]:
    """The service's paths of the values' hosts, to the Service; no repeats and no time-outs of its own."""
    values = release.value("httpRoute")
    if release.has("HTTPRoute") != values["enabled"]:
        yield "it is there, or not, and should not be so"
    for route in release.kind("HTTPRoute"):
        gateway = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
        backend = {"group": "", "kind": "Service", "name": release.name, "port": 8000, "weight": 1}
        path = {"type": "PathPrefix", "value": f"/{release.service}"}
        if route["spec"] != {
            "parentRefs": [{**gateway, **each} for each in values["parentRefs"]],
            "hostnames": values["hostnames"],
            "rules": [{"matches": [{"path": path}], "backendRefs": [backend]}],
        }:
            yield f"it is {route['spec']}"


def let_in(release: Release) -> Iterator[str]:
    """The same by an Ingress; an ALB asks the pods themselves whether they are ready."""
    values = release.value("ingress")
    if release.has("Ingress") != values["enabled"]:
        yield "it is there, or not, and should not be so"
    for ingress in release.kind("Ingress"):
        backend = {"service": {"name": release.name, "port": {"name": "http"}}}
        path = {"path": f"/{release.service}", "pathType": "Prefix", "backend": backend}
        expected = {"ingressClassName": values["className"]}
        expected["rules"] = [{"host": host, "http": {"paths": [path]}} for host in values["hosts"]]
        if values["tlsSecret"]:
            expected["tls"] = [{"hosts": values["hosts"], "secretName": values["tlsSecret"]}]
        if ingress["spec"] != expected:
            yield f"it is {ingress['spec']}"
        prefix = "alb.ingress.kubernetes.io"
        alb = {f"{prefix}/target-type": "ip", f"{prefix}/healthcheck-path": "/readyz"}
        own = alb if values["className"] == "alb" else {}
        if ingress["metadata"].get("annotations", {}) != {**own, **values["annotations"]}:
            yield f"its annotations are {ingress['metadata'].get('annotations')}"
