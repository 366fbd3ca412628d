"""Who may do what: accounts, the team's role, and who brings the secrets."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chart.promises.release import Release

# Each of them leads to the data, or to the right of somebody else.
NEVER = {
    "secrets",
    "pods/exec",
    "pods/attach",
    "pods/portforward",
    "pods/ephemeralcontainers",
    "serviceaccounts/token",
    "*",
}
LOOKED_AT = {
    "": "pods pods/log services endpoints configmaps events serviceaccounts resourcequotas limitranges",
    "apps": "deployments replicasets",
    "batch": "jobs cronjobs",
    "networking.k8s.io": "networkpolicies ingresses",
    "gateway.networking.k8s.io": "httproutes",
    "discovery.k8s.io": "endpointslices",
    "policy": "poddisruptionbudgets",
    "autoscaling": "horizontalpodautoscalers",
    "metrics.k8s.io": "pods",
    "external-secrets.io": "externalsecrets secretstores",
}


def team_only_looks(release: Release) -> Iterator[str]:
    """The team sees its release, and neither a Secret nor the inside of a pod; it changes nothing."""
    roles = release.kind("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
    if [each["kind"] for each in roles] != (["Role", "RoleBinding"] if release.value("team.enabled") else []):
        yield f"there are {[each['kind'] for each in roles]}"
    for role in release.kind("Role"):
        seen = [(rule["apiGroups"], rule["resources"], rule["verbs"]) for rule in role["rules"]]
        # Metrics cannot be watched.
        verbs = {group: ["get", "list", *(["watch"] if group != "metrics.k8s.io" else [])] for group in LOOKED_AT}
        if seen != [([group], names.split(), verbs[group]) for group, names in LOOKED_AT.items()]:
            yield f"it sees {seen}"
        if NEVER & {name for _, names, _ in seen for name in names}:
            yield "it sees too much"
    for binding in release.kind("RoleBinding"):
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"{release.name}-team"}
        if binding["roleRef"] != role or not release.has("Role", role["name"]):
            yield f"it binds {binding['roleRef']}"
        subjects = [{"apiGroup": role["apiGroup"], **each} for each in release.value("team.subjects")]
        if binding["subjects"] != subjects:
            yield f"it binds {binding['subjects']}"


def accounts(release: Release) -> Iterator[str]:
    """One for the pods; one more where the chart makes the store, which alone has the role that reads secrets."""
    external = release.value("secrets.external")
    makes_store = external["enabled"] and not external["store"]
    expected = {release.name: release.value("serviceAccount.annotations")}
    if makes_store:
        expected[f"{release.name}-secrets"] = {"eks.amazonaws.com/role-arn": external["roleArn"]}
    found = {
        each["metadata"]["name"]: each["metadata"].get("annotations", {}) for each in release.kind("ServiceAccount")
    }
    if found != expected:
        yield f"there are {found}"


def secrets_are_brought(release: Release) -> Iterator[str]:
    """By a store that asks as the account of this release, into the Secret that pods mount, and kept when it is gone."""
    external = release.value("secrets.external")
    makes_store = bool(external["enabled"] and not external["store"])
    if release.has("SecretStore") != makes_store or release.has("ExternalSecret") != external["enabled"]:
        yield "they are there, or not, and should not be so"
    for store in release.kind("SecretStore"):
        account = {"serviceAccountRef": {"name": f"{release.name}-secrets"}}
        aws = {"service": "SecretsManager", "region": external["region"], "auth": {"jwt": account}}
        if store["spec"] != {"provider": {"aws": aws}}:
            yield f"the store is {store['spec']}"
    for each in release.kind("ExternalSecret"):
        spec = each["spec"]
        if spec["target"] != {"name": release.name, "creationPolicy": "Owner", "deletionPolicy": "Retain"}:
            yield f"it makes {spec['target']}"
        if spec["secretStoreRef"] != {"kind": "SecretStore", "name": external["store"] or release.name}:
            yield f"it asks {spec['secretStoreRef']}"
        if spec["refreshInterval"] != external["refreshInterval"]:
            yield f"it asks every {spec['refreshInterval']}"
        key, user = external["secretKey"], external["database"]
        wanted = {"secret-key": (key["key"], key["property"])}
        wanted |= {name: (user["key"], user[name]) for name in ("username", "password")}
        # What the API server adds by itself: Argo CD would see a difference for ever.
        defaults = {"conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": "None"}
        data = [
            {"secretKey": name, "remoteRef": {"key": key, "property": inner, **defaults}}
            for name, (key, inner) in wanted.items()
        ]
        if spec["data"] != data:
            yield f"it brings {spec['data']}"


def bounds_of_the_namespace(release: Release) -> Iterator[str]:
    """The platform's, so off unless the values have them; then as they are."""
    for kind, path, inside in (("ResourceQuota", "resourceQuota", "hard"), ("LimitRange", "limitRange", "limits")):
        found = [each["spec"] for each in release.kind(kind)]
        if found != ([{inside: release.value(path)}] if release.value(path) else []):
            yield f"{kind} is {found}"
