"""EKS: access entries and their policies, add-ons, and Pod Identity associations, none of which moto has.

A record is kept as it is answered, in the cluster that it belongs to, and goes with it.
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.eks import urls
from moto.eks.exceptions import ResourceInUseException, ResourceNotFoundException
from moto.eks.models import Cluster
from moto.eks.responses import EKSResponse

from .eks import update
from .seams import asked, operation

Record = dict[str, Any]
IN_CLUSTER = "{0}/clusters/(?P<clusterName>[^/]+)"

for path in (
    "/access-entries$",
    "/access-entries/(?P<principalArn>.+)$",
    "/addons$",
    "/addons/(?P<addonName>[^/]+)$",
    "/addons/(?P<addonName>[^/]+)/update$",
    "/pod-identity-associations$",
    "/pod-identity-associations/(?P<associationId>[^/]+)$",
):
    urls.url_paths[IN_CLUSTER + path] = EKSResponse.dispatch
urls.url_paths["{0}/addons/supported-versions$"] = EKSResponse.dispatch


def cluster_of(response: EKSResponse) -> Cluster:
    body = asked(response)
    return response.eks_backend.describe_cluster(body.get("clusterName") or body["name"])


def arn(response: EKSResponse, *path: str) -> str:
    account, region = response.current_account, response.region
    return f"arn:{response.partition}:eks:{region}:{account}:" + "/".join(path)


def the(records: dict[str, Record], name: str) -> Record:
    if name not in records:
        message = f"There is no {name}."
        raise ResourceNotFoundException(
            clusterName=None, nodegroupName=None, fargateProfileName=None, addonName=None, message=message
        )
    return records[name]


def put(records: dict[str, Record], name: str, record: Record) -> Record:
    if name in records:
        raise ResourceInUseException(clusterName=None, nodegroupName=None, addonName=None, message=f"{name} is there.")
    now = {"createdAt": utcnow(), "modifiedAt": utcnow()}
    records[name] = {"tags": {}} | {key: value for key, value in record.items() if value is not None} | now
    return records[name]


@operation(EKSResponse)
def create_access_entry(response: EKSResponse) -> ActionResult:
    cluster, body = cluster_of(response), asked(response)
    principal = body["principalArn"]
    session = principal.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/{{SessionName}}"
    kind, _, name = principal.split(":")[-1].partition("/")
    record = {
        "clusterName": cluster.name,
        "principalArn": principal,
        "accessEntryArn": arn(response, f"access-entry/{cluster.name}", kind, name, str(uuid.uuid4())),
        "kubernetesGroups": body.get("kubernetesGroups", []),
        "username": body.get("username", session),
        "type": body.get("type", "STANDARD"),
        "tags": body.get("tags"),
    }
    cluster.access_policies[principal] = {}
    return ActionResult({"accessEntry": put(cluster.access_entries, principal, record)})


@operation(EKSResponse)
def describe_access_entry(response: EKSResponse) -> ActionResult:
    return ActionResult({"accessEntry": the(cluster_of(response).access_entries, asked(response)["principalArn"])})


@operation(EKSResponse)
def update_access_entry(response: EKSResponse) -> ActionResult:
    body = asked(response)
    entry = the(cluster_of(response).access_entries, body["principalArn"])
    entry.update({name: body[name] for name in ("kubernetesGroups", "username") if name in body})
    return ActionResult({"accessEntry": entry})


@operation(EKSResponse)
def delete_access_entry(response: EKSResponse) -> ActionResult:
    cluster, principal = cluster_of(response), asked(response)["principalArn"]
    the(cluster.access_entries, principal)
    del cluster.access_entries[principal], cluster.access_policies[principal]
    return EmptyResult()


@operation(EKSResponse)
def list_access_entries(response: EKSResponse) -> ActionResult:
    return ActionResult({"accessEntries": list(cluster_of(response).access_entries)})


@operation(EKSResponse)
def associate_access_policy(response: EKSResponse) -> ActionResult:
    cluster, body = cluster_of(response), asked(response)
    policies = the(cluster.access_policies, body["principalArn"])
    policy = {
        "policyArn": body["policyArn"],
        "accessScope": body["accessScope"],
        "associatedAt": utcnow(),
        "modifiedAt": utcnow(),
    }
    policies[body["policyArn"]] = policy
    head = {"clusterName": cluster.name, "principalArn": body["principalArn"]}
    return ActionResult(head | {"associatedAccessPolicy": policy})


@operation(EKSResponse)
def list_associated_access_policies(response: EKSResponse) -> ActionResult:
    cluster, principal = cluster_of(response), asked(response)["principalArn"]
    policies = list(the(cluster.access_policies, principal).values())
    return ActionResult({"clusterName": cluster.name, "principalArn": principal, "associatedAccessPolicies": policies})


@operation(EKSResponse)
def disassociate_access_policy(response: EKSResponse) -> ActionResult:
    body = asked(response)
    the(cluster_of(response).access_policies, body["principalArn"]).pop(body["policyArn"], None)
    return EmptyResult()


@operation(EKSResponse)
def create_addon(response: EKSResponse) -> ActionResult:
    cluster, body = cluster_of(response), asked(response)
    name = body["addonName"]
    identities = [associate(response, cluster, each, owner=name) for each in body.get("podIdentityAssociations", [])]
    record = {
        "clusterName": cluster.name,
        "addonName": name,
        "addonArn": arn(response, f"addon/{cluster.name}", name, str(uuid.uuid4())),
        "addonVersion": body.get("addonVersion", default_version(cluster.version)),
        "status": "ACTIVE",
        "health": {"issues": []},
        "serviceAccountRoleArn": body.get("serviceAccountRoleArn"),
        "configurationValues": body.get("configurationValues"),
        "podIdentityAssociations": [each["associationArn"] for each in identities],
        "tags": body.get("tags"),
    }
    return ActionResult({"addon": put(cluster.addons, name, record)})


def default_version(version: str) -> str:
    return f"v{version}.0-eksbuild.1"


@operation(EKSResponse)
def describe_addon(response: EKSResponse) -> ActionResult:
    return ActionResult({"addon": the(cluster_of(response).addons, asked(response)["addonName"])})


@operation(EKSResponse)
def update_addon(response: EKSResponse) -> ActionResult:
    body = asked(response)
    addon = the(cluster_of(response).addons, body["addonName"])
    changeable = ("addonVersion", "serviceAccountRoleArn", "configurationValues")
    addon.update({name: body[name] for name in changeable if name in body})
    return update("AddonUpdate")


@operation(EKSResponse)
def delete_addon(response: EKSResponse) -> ActionResult:
    cluster = cluster_of(response)
    addon = the(cluster.addons, asked(response)["addonName"])
    del cluster.addons[addon["addonName"]]
    for each in [
        key for key, one in cluster.pod_identities.items() if one["associationArn"] in addon["podIdentityAssociations"]
    ]:
        del cluster.pod_identities[each]
    return ActionResult({"addon": addon | {"status": "DELETING"}})


@operation(EKSResponse)
def list_addons(response: EKSResponse) -> ActionResult:
    return ActionResult({"addons": list(cluster_of(response).addons)})


@operation(EKSResponse)
def describe_addon_versions(response: EKSResponse) -> ActionResult:
    """One version of each add-on, which is the default of whatever version is asked for."""
    query = response.querystring
    version = query.get("kubernetesVersion", ["1.33"])[0]
    compatible = [{"clusterVersion": version, "defaultVersion": True, "platformVersions": ["*"]}]
    names = query.get("addonName") or ["vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent", "metrics-server"]
    found = [
        {
            "addonName": name,
            "addonVersions": [{"addonVersion": default_version(version), "compatibilities": compatible}],
        }
        for name in names
    ]
    return ActionResult({"addons": found})


def associate(response: EKSResponse, cluster: Cluster, body: Record, *, owner: str = "") -> Record:
    name = f"a-{uuid.uuid4().hex[:17]}"
    record = {
        "clusterName": cluster.name,
        "namespace": body.get("namespace", "kube-system"),
        "serviceAccount": body["serviceAccount"],
        "roleArn": body["roleArn"],
        "associationArn": arn(response, f"podidentityassociation/{cluster.name}", name),
        "associationId": name,
        "tags": body.get("tags"),
        "targetRoleArn": body.get("targetRoleArn"),
        "disableSessionTags": body.get("disableSessionTags"),
        "ownerArn": owner or None,
    }
    return put(cluster.pod_identities, name, record)


@operation(EKSResponse)
def create_pod_identity_association(response: EKSResponse) -> ActionResult:
    return ActionResult({"association": associate(response, cluster_of(response), asked(response))})


@operation(EKSResponse)
def describe_pod_identity_association(response: EKSResponse) -> ActionResult:
    found = the(cluster_of(response).pod_identities, asked(response)["associationId"])
    return ActionResult({"association": found})


@operation(EKSResponse)
def update_pod_identity_association(response: EKSResponse) -> ActionResult:
    body = asked(response)
    found = the(cluster_of(response).pod_identities, body["associationId"])
    found.update({name: body[name] for name in ("roleArn", "targetRoleArn", "disableSessionTags") if name in body})
    return ActionResult({"association": found})


@operation(EKSResponse)
def delete_pod_identity_association(response: EKSResponse) -> ActionResult:
    cluster, name = cluster_of(response), asked(response)["associationId"]
    found = the(cluster.pod_identities, name)
    del cluster.pod_identities[name]
    return ActionResult({"association": found})


@operation(EKSResponse)
def list_pod_identity_associations(response: EKSResponse) -> ActionResult:
    return ActionResult({"associations": list(cluster_of(response).pod_identities.values())})
