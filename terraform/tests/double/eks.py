"""EKS: what moto forgets of clusters and node groups. What belongs to a cluster is in `eks_additions.py`.

Of a cluster its access configuration, its security group and the updates that the provider waits for; of a node group its
update configuration; of both the tags by ARN. A node group has no way in by SSH unless somebody asks for one.
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.eks import urls
from moto.eks.exceptions import ResourceNotFoundException
from moto.eks.models import Cluster, EKSBackend, Nodegroup
from moto.eks.responses import EKSResponse

from .seams import Method, around, asked, operation

ARNS = ("addonArn", "accessEntryArn", "associationArn")

for path in ("/updates/(?P<updateId>[^/]+)$", "/node-groups/(?P<nodegroupName>[^/]+)/update-version$"):
    urls.url_paths["{0}/clusters/(?P<name>[^/]+)" + path] = EKSResponse.dispatch


def update(kind: str) -> ActionResult:
    """Everything is done at once; the provider asks for the update by its id all the same."""
    done = {
        "id": str(uuid.uuid4()),
        "status": "Successful",
        "type": kind,
        "params": [],
        "createdAt": utcnow(),
        "errors": [],
    }
    return ActionResult({"update": done})


def tags_of(backend: EKSBackend, arn: str) -> dict[str, str]:
    """The tags that may be changed in place, of whatever has that ARN."""
    for cluster in backend.clusters.values():
        for thing in (cluster, *cluster.nodegroups.values()):
            if thing.arn == arn:
                tags: dict[str, str] = thing.tags
                return tags
        for record in (*cluster.addons.values(), *cluster.access_entries.values(), *cluster.pod_identities.values()):
            if arn in (record.get(name) for name in ARNS):
                return record["tags"]  # type: ignore[no-any-return]
    raise ResourceNotFoundException(
        clusterName=None, nodegroupName=None, fargateProfileName=None, addonName=None, message=f"There is no {arn}."
    )


@around(EKSBackend, "create_cluster")
def create_cluster(original: Method, backend: EKSBackend, **asked_for: Any) -> Cluster:
    cluster = original(backend, **asked_for)
    cluster.addons, cluster.access_entries, cluster.pod_identities = {}, {}, {}
    cluster.access_policies = {}
    network = cluster.resources_vpc_config
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    network["vpcId"] = ec2.get_subnet(network["subnetIds"][0]).vpc_id
    group = ec2.create_security_group(f"eks-cluster-sg-{cluster.name}", "Made by EKS", vpc_id=network["vpcId"])
    network["clusterSecurityGroupId"] = group.id
    cluster.kubernetes_network_config = {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"} | (
        asked_for.get("kubernetes_network_config") or {}
    )
    return cluster


@around(EKSBackend, "delete_cluster")
def delete_cluster(original: Method, backend: EKSBackend, name: str) -> Cluster:
    cluster = original(backend, name)
    group = cluster.resources_vpc_config["clusterSecurityGroupId"]
    ec2_backends[backend.account_id][backend.region_name].delete_security_group(group_id=group)
    return cluster


@around(EKSResponse, "create_cluster")
def create_cluster_as_asked(original: Method, response: EKSResponse) -> ActionResult:
    result = original(response)
    cluster, body = result.result["cluster"], asked(response)
    cluster.access_config = {
        "bootstrapClusterCreatorAdminPermissions": True,
        "authenticationMode": "CONFIG_MAP",
    } | body.get("accessConfig", {})
    cluster.upgrade_policy = body.get("upgradePolicy", {"supportType": "EXTENDED"})
    if "zonalShiftConfig" in body:
        cluster.zonal_shift_config = body["zonalShiftConfig"]
    cluster.deletion_protection = body.get("deletionProtection", False)
    return result


@around(EKSResponse, "update_cluster_config")
def update_cluster_config(_: Method, response: EKSResponse) -> ActionResult:
    """moto puts what was asked in the place of everything, and answers with no update."""
    cluster, body = response.eks_backend.describe_cluster(response._get_param("name")), asked(response)
    cluster.resources_vpc_config.update(body.get("resourcesVpcConfig", {}))
    cluster.logging = body.get("logging", cluster.logging)
    cluster.access_config.update(body.get("accessConfig", {}))
    return update("ConfigUpdate")


@operation(EKSResponse)
def describe_update(response: EKSResponse) -> ActionResult:
    return update("ConfigUpdate")


@operation(EKSResponse)
def update_nodegroup_version(response: EKSResponse) -> ActionResult:
    body = asked(response)
    group = response.eks_backend.describe_nodegroup(body["name"], body["nodegroupName"])
    group.launch_template = group.launch_template | body.get("launchTemplate", {})
    group.version = body.get("version", group.version)
    return update("VersionUpdate")


@around(EKSResponse, "create_nodegroup")
def create_nodegroup(original: Method, response: EKSResponse) -> ActionResult:
    result = original(response)
    group, body = result.result["nodegroup"], asked(response)
    cluster = response.eks_backend.describe_cluster(body["name"])
    group.update_config = body.get("updateConfig", {"maxUnavailable": 1})
    group.node_repair_config = body.get("nodeRepairConfig")
    group.version = body.get("version", cluster.version)
    group.release_version = body.get("releaseVersion", f"{cluster.version}-double")
    if "remoteAccess" not in body:
        group.remote_access = None
        del group.resources["remoteAccessSecurityGroup"]
    if "diskSize" not in body:
        group.disk_size = None
    return result


@around(Nodegroup, "__init__")
def with_own_tags(original: Method, group: Nodegroup, **asked_for: Any) -> None:
    original(group, **asked_for)
    group.tags = dict(group.tags)


@around(EKSBackend, "tag_resource")
def tag_resource(_: Method, backend: EKSBackend, arn: str, tags: dict[str, str]) -> None:
    tags_of(backend, arn).update(tags)


@around(EKSBackend, "untag_resource")
def untag_resource(_: Method, backend: EKSBackend, arn: str, names: list[str] | str) -> None:
    tags = tags_of(backend, arn)
    for name in [names] if isinstance(names, str) else names:
        tags.pop(name, None)


@around(EKSBackend, "list_tags_for_resource")
def list_tags_for_resource(_: Method, backend: EKSBackend, arn: str) -> dict[str, str]:
    return tags_of(backend, arn)
