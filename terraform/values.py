"""`make values ENV=…`: what the applied ground knows of each release, as values of the chart, in build/values/ENV.

Helm takes them together with a file of yours, which has what no ground knows: who your clients' issuers are, the host
names, the certificate. What a list holds there replaces what it holds here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from terraform.environment import ROOT, Environment

VALUES = ROOT / "build" / "values"
# The SecretStore where EKS Pod Identity gives the controller its role; by IRSA the chart makes one itself.
STORE = "ground"
# An ALB hears of an end later than the cluster's own proxies.
PRE_STOP_SECONDS = 25


def release(name: str, service: dict[str, Any], platform: dict[str, Any]) -> dict[str, Any]:
    """The values of one service's release, from the outputs `services` and `platform`."""
    return {
        "service": name,
        "settings": {"CAREWAY_BEHIND_TLS_PROXY": True},
        # The region's bundle, which the platform keeps in a ConfigMap of the namespace.
        "database": {name: service["database"][name] for name in ("host", "port", "name")} | {"caConfigMap": "rds-ca"},
        "secrets": {"external": external(service["secrets"], platform["region"])},
        "networkPolicy": {
            # The load balancer's subnets, and the database's.
            "ingress": {"from": [{"cidr": cidr} for cidr in platform["public_cidrs"]]},
            "egress": {"database": [{"cidr": cidr} for cidr in platform["isolated_cidrs"]]},
        },
        "ingress": {
            # The way from this group to the pods is the ground's, too: the controller has no rule to add.
            "annotations": {
                "alb.ingress.kubernetes.io/listen-ports": '[{"HTTPS": 443}]',
                "alb.ingress.kubernetes.io/security-groups": platform["load_balancer_security_group_id"],
            }
        },
        "team": {"enabled": True, "subjects": [{"kind": "Group", "name": service["team_group"]}]},
        "preStopSeconds": PRE_STOP_SECONDS,
        **store(service["secrets"], platform["region"]),
    }


def external(secrets: dict[str, Any], region: str) -> dict[str, Any]:
    by_irsa = secrets["via"] == "irsa"
    return {
        "enabled": True,
        **({"region": region, "roleArn": secrets["reader_role_arn"]} if by_irsa else {"store": STORE}),
        "secretKey": {"key": secrets["secret_key"]},
        "database": {"key": secrets["database"]},
    }


def store(secrets: dict[str, Any], region: str) -> dict[str, Any]:
    """Where the controller takes a role, the store that names this service's."""
    if secrets["via"] == "irsa":
        return {}
    aws = {"service": "SecretsManager", "region": region, "role": secrets["reader_role_arn"]}
    named = {"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": {"name": STORE}}
    return {"extraObjects": [{**named, "spec": {"provider": {"aws": aws}}}]}


def head(name: str, platform: dict[str, Any]) -> str:
    chart = f"oci://{platform['chart_repository']}"
    return (
        f"# What the ground of {platform['name']} knows of {name}; made by `make values ENV={platform['environment']}`.\n"
        f"# helm install {name} {chart}@sha256:… --values {name}.yaml --values YOURS.yaml --namespace …\n"
        f"# The cluster's own issuer, for the services that ask each other: {platform['oidc_issuer_url']}\n"
    )


def write(outputs: dict[str, Any], folder: Path) -> list[Path]:
    """A file for each service. Raises SystemExit where nothing has been applied."""
    if missing := {"services", "platform"} - outputs.keys():
        raise SystemExit(f"There is no output {' or '.join(sorted(missing))}: apply this environment first.")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, service in sorted(outputs["services"].items()):
        text = yaml.safe_dump(release(name, service, outputs["platform"]), sort_keys=False, width=120)
        file = folder / f"{name}.yaml"
        file.write_text(head(name, outputs["platform"]) + text, encoding="utf-8")
        written.append(file)
    return written


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="terraform.values", description=__doc__.partition("\n")[0])
    parser.add_argument("environment")
    environment = Environment.named(parser.parse_args(words).environment)
    environment.init()
    outputs = environment.outputs()
    for file in write(outputs, VALUES / environment.name):
        namespace = outputs["services"][file.stem]["namespace"]
        sys.stdout.write(f"{file.relative_to(ROOT)}: for the namespace {namespace}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
