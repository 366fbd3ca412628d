"""What the ground promises of who may do what: the policies as they were read back, asked by `statements.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .inventory import Inventory, Record
from .promises import promise
from .statements import Request, allowed, several, statements, trusts

# What AWS writes for its own services and adds to when they learn something; all else is written here.
FROM_AWS = {
    "AmazonEKSClusterPolicy",
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKS_CNI_Policy",
    "AmazonRDSEnhancedMonitoringRole",
    "AWS_ConfigRole",
}


@promise
def no_policy_allows_a_wildcard_on_everything(ground: Inventory) -> Iterator[str]:
    for role, each in ground.roles.items():
        for name, policy in each["policies"].items():
            if ":iam::aws:policy/" in name:
                continue
            for statement in statements([policy]):
                if statement["Effect"] == "Allow" and too_wide(statement):
                    yield f"{role}, {name}: {statement.get('Sid')}"


def too_wide(statement: Any) -> bool:
    if "NotAction" in statement or "NotResource" in statement:
        return True
    wildcard = any("*" in action for action in several(statement["Action"]))
    return wildcard and "*" in several(statement["Resource"])


@promise
def of_awss_own_policies_only_these_are_used(ground: Inventory) -> Iterator[str]:
    for role, each in ground.roles.items():
        for arn in each["policies"]:
            if ":iam::aws:policy/" in arn and arn.rpartition("/")[2] not in FROM_AWS:
                yield f"{role}: {arn}"


@promise
def nobody_is_trusted_by_wildcard(ground: Inventory) -> Iterator[str]:
    for role, each in ground.roles.items():
        for statement in statements([each["trust"]]):
            yield from (f"{role} trusts {why}" for why in wide_trust(statement))


def wide_trust(statement: Any) -> Iterator[str]:
    principals = statement.get("Principal", "*")
    if principals == "*":
        yield "everybody"
        return
    yield from (each for kind in principals.values() for each in several(kind) if "*" in each)
    conditions = statement.get("Condition", {})
    for provider in several(principals.get("Federated")):
        equal = [name.rpartition(":")[2] for name in conditions.get("StringEquals", {})]
        yield from (f"{provider} whatever its {claim}" for claim in ("sub", "aud") if claim not in equal)
        yield from (str(value) for one in conditions.get("StringLike", {}).values() for value in several(one))


def of_resources(ground: Inventory) -> Iterator[tuple[str, Any]]:
    """Policies of what is asked for, of which one that forgets to say who is for everybody in the world."""
    yield from ((f"secret {each['Name']}", each["policy"]) for each in ground.secrets.values())
    yield from ((f"repository {each['repositoryName']}", each["policy"]) for each in ground.repositories)
    yield from ((f"topic {arn}", each.get("Policy", "{}")) for arn, each in ground.topics.items())
    yield from ((f"bucket {name}", each["policy"]) for name, each in ground.buckets.items())


@promise
def no_policy_of_a_resource_lets_everybody_in(ground: Inventory) -> Iterator[str]:
    for what, policy in of_resources(ground):
        for statement in statements([policy]):
            if statement["Effect"] == "Allow" and "*" in str(statement.get("Principal", "*")):
                yield f"{what}: {statement.get('Sid')}"


def services(ground: Inventory) -> dict[str, dict[str, Record]]:
    """Each service's own secrets, by ARN: NAME/SERVICE/…; what RDS keeps is nobody's."""
    found: dict[str, dict[str, Record]] = {}
    for arn, secret in ground.secrets.items():
        if len(path := secret["Name"].split("/")) == 3:
            found.setdefault(path[1], {})[arn] = secret
    return found


def reads(ground: Inventory, role: Record, secret: Record) -> bool:
    """Both halves: Secrets Manager gives the secret, and its key opens it."""
    region, policies = ground.account.region, role["policies"].values()
    get = Request(role["arn"], "secretsmanager:GetSecretValue", secret["ARN"])
    through = {
        "kms:ViaService": f"secretsmanager.{region}.amazonaws.com",
        "kms:EncryptionContext:SecretARN": secret["ARN"],
    }
    context = through | {"kms:CallerAccount": role["arn"].split(":")[4]}
    decrypt = Request(role["arn"], "kms:Decrypt", secret["KmsKeyId"], context)
    key = ground.keys[secret["KmsKeyId"]]["policy"]
    return allowed(get, policies, [secret["policy"]]) and allowed(decrypt, policies, [key])


@promise
def each_reader_reads_its_own_services_secrets(ground: Inventory) -> Iterator[str]:
    if len(services(ground)) < 2:
        yield "there are not two services to tell apart"
    for service, secrets in services(ground).items():
        (reader,) = (role for name, role in ground.roles.items() if name.endswith(f"-{service}-secrets-reader"))
        yield from (
            f"{reader['arn']} cannot read {each['Name']}"
            for each in secrets.values()
            if not reads(ground, reader, each)
        )


@promise
def nobody_else_reads_a_services_secrets(ground: Inventory) -> Iterator[str]:
    for service, secrets in services(ground).items():
        may = (f"-{service}-secrets-reader", f"-{service}-rotation")
        for name, role in ground.roles.items():
            if not name.endswith(may):
                yield from (f"{name} reads {each['Name']}" for each in secrets.values() if reads(ground, role, each))


@promise
def no_reader_reads_the_databases_master_password(ground: Inventory) -> Iterator[str]:
    for secret in ground.secrets.values():
        if secret["Name"].startswith("rds!"):
            readers = {name: role for name, role in ground.roles.items() if name.endswith("-secrets-reader")}
            yield from (
                f"{name} reads {secret['Name']}" for name, role in readers.items() if reads(ground, role, secret)
            )


@promise
def readers_are_taken_by_the_controller_alone_and_with_its_tags(ground: Inventory) -> Iterator[str]:
    (controller,) = (role for name, role in ground.roles.items() if name.endswith("-external-secrets"))
    for name, reader in ground.roles.items():
        if not name.endswith("-secrets-reader"):
            continue
        for action in ("sts:AssumeRole", "sts:TagSession"):
            asks = allowed(Request(controller["arn"], action, reader["arn"]), controller["policies"].values())
            if not (asks and trusts(reader["trust"], controller["arn"], action, {})):
                yield f"the controller lacks {action} on {name}"
        for other, role in ground.roles.items():
            if role is not controller and trusts(reader["trust"], role["arn"], "sts:AssumeRole", {}):
                yield f"{name} trusts {other}"


@promise
def the_controller_of_secrets_reads_none_itself(ground: Inventory) -> Iterator[str]:
    (controller,) = (role for name, role in ground.roles.items() if name.endswith("-external-secrets"))
    for secret in ground.secrets.values():
        if allowed(
            Request(controller["arn"], "secretsmanager:GetSecretValue", secret["ARN"]), controller["policies"].values()
        ):
            yield f"it reads {secret['Name']}"
