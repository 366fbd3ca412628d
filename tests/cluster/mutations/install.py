"""How the promises of promises/install.py are broken."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.cluster.kubectl import apply, get, kubectl, rolled_out
from tests.cluster.objects import secret
from tests.cluster.world import NAMESPACES, World

from . import mutation

TEAM = NAMESPACES["genomics"]


@mutation("the tests' own way in is gone", breaks=("install.test",))
def no_way_in(world: World) -> Iterator[None]:
    policy = get(TEAM, "networkpolicy", "genomics-prove-ingress")
    kubectl("--namespace", TEAM, "delete", "networkpolicy", "genomics-prove-ingress")
    try:
        yield
    finally:
        apply(
            [
                {
                    **policy,
                    "metadata": {
                        key: policy["metadata"][key] for key in ("name", "namespace", "labels", "annotations")
                    },
                }
            ]
        )


@mutation("less memory is requested than a pod holds", breaks=("install.resources",))
def too_little(world: World) -> Iterator[None]:
    (container,) = get(TEAM, "deployment", "genomics")["spec"]["template"]["spec"]["containers"]
    kubectl(
        "--namespace", TEAM, "set", "resources", "deployment/genomics", "--containers=server", "--requests=memory=16Mi"
    )
    rolled_out(TEAM, "genomics")
    try:
        yield
    finally:
        asked = json.dumps(
            {"spec": {"template": {"spec": {"containers": [{"name": "server", "resources": container["resources"]}]}}}}
        )
        kubectl("--namespace", TEAM, "patch", "deployment", "genomics", "--patch", asked)
        rolled_out(TEAM, "genomics")


@mutation("somebody has made the missing Secret", breaks=("install.values",))
def made(world: World) -> Iterator[None]:
    own = world.aws.values["careway/genomics"] | world.aws.values["careway/genomics/database"]
    apply([secret("nobody-made-this", TEAM, own)])
    try:
        yield
    finally:
        kubectl("--namespace", TEAM, "delete", "secret", "nobody-made-this")
