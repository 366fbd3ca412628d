"""What the ground promises: each a question to the inventory, whose answer is what breaks it, in words.

Who may do what is in `permissions.py`, and tags are in `tags.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from .inventory import Inventory
from .statements import Policy, several, statements

Promise = Callable[[Inventory], Iterator[str]]
PROMISES: dict[str, Promise] = {}

OPERATING = Path(__file__).resolve().parents[2] / "docs" / "operating.md"


def quiet_log() -> dict[str, str]:
    """The settings of "PostgreSQL's own log" in docs/operating.md, as RDS writes them."""
    block = (
        OPERATING.read_text(encoding="utf-8")
        .partition("## PostgreSQL's own log")[2]
        .partition("```ini\n")[2]
        .partition("```")[0]
    )
    lines = [line.partition("#")[0].partition(" = ") for line in block.strip().splitlines()]
    return {name.strip(): {"off": "0"}.get(value.strip(), value.strip()) for name, _, value in lines}


PARAMETERS = {"rds.force_ssl": "1", **quiet_log()}


def promise(question: Promise) -> Promise:
    PROMISES[question.__name__] = question
    return question


@promise
def public_subnets_hold_no_node_and_no_database(ground: Inventory) -> Iterator[str]:
    for group in ground.node_groups:
        yield from (
            f"node group {group['nodegroupName']} in {each}" for each in ground.public_subnet_ids & {*group["subnets"]}
        )
    for cluster in ground.clusters:
        subnets = {*cluster["resourcesVpcConfig"]["subnetIds"]}
        yield from (f"cluster {cluster['name']} in {each}" for each in ground.public_subnet_ids & subnets)
    for database in ground.databases:
        subnets = {each["SubnetIdentifier"] for each in database["DBSubnetGroup"]["Subnets"]}
        yield from (
            f"database {database['DBInstanceIdentifier']} in {each}" for each in ground.public_subnet_ids & subnets
        )
        if database["PubliclyAccessible"]:
            yield f"database {database['DBInstanceIdentifier']} is public"


@promise
def only_the_load_balancer_is_open_to_the_world_and_on_443_alone(ground: Inventory) -> Iterator[str]:
    for group in ground.security_groups:
        for rule in group["IpPermissions"]:
            ranges = [each["CidrIp"] for each in rule["IpRanges"]] + [each["CidrIpv6"] for each in rule["Ipv6Ranges"]]
            ports = (rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort"))
            balancer = "load-balancer" in group["GroupName"] and ports == ("tcp", 443, 443)
            if {"0.0.0.0/0", "::/0"} & {*ranges} and not balancer:
                yield f"{group['GroupName']} lets the world in: {ports}"


@promise
def the_default_security_group_lets_nothing_through(ground: Inventory) -> Iterator[str]:
    for group in ground.security_groups:
        if group["GroupName"] == "default" and (group["IpPermissions"] or group["IpPermissionsEgress"]):
            yield f"{group['GroupId']} has rules"


@promise
def every_network_keeps_a_log_of_its_flows(ground: Inventory) -> Iterator[str]:
    logged = {each["ResourceId"] for each in ground.flow_logs if each["TrafficType"] == "ALL"}
    yield from (vpc["VpcId"] for vpc in ground.vpcs if vpc["VpcId"] not in logged)


@promise
def the_keys_are_ours_and_rotate(ground: Inventory) -> Iterator[str]:
    for arn, key in ground.keys.items():
        if not key["rotates"]:
            yield f"{arn} does not rotate"
        for statement in statements([key["policy"]]):
            principals = statement["Principal"]
            everybody = principals == "*" or "*" in several(principals.get("AWS"))
            if (
                statement["Effect"] == "Allow"
                and everybody
                and "kms:CallerAccount" not in str(statement.get("Condition"))
            ):
                yield f"{arn} may be used by everybody: {statement.get('Sid')}"


def encrypted(ground: Inventory) -> Iterator[tuple[str, str | None]]:
    """Everything that holds data, and the key it says it is encrypted by."""
    for name, bucket in ground.buckets.items():
        rules = bucket["encryption"] or [{}]
        yield from ((f"bucket {name}", rule.get("KMSMasterKeyID")) for rule in rules)
    for template in ground.launch_templates:
        disks = [each["Ebs"] for each in template.get("BlockDeviceMappings", [])]
        if not disks:
            yield f"disk of {template['name']}", None
        yield from (
            (f"disk of {template['name']}", each.get("KmsKeyId") if each.get("Encrypted") else None) for each in disks
        )
    for database in ground.databases:
        name = database["DBInstanceIdentifier"]
        yield f"database {name}", database.get("KmsKeyId") if database["StorageEncrypted"] else None
        yield f"master secret of {name}", database.get("MasterUserSecret", {}).get("KmsKeyId")
        if database.get("PerformanceInsightsEnabled"):
            yield f"performance insights of {name}", database.get("PerformanceInsightsKMSKeyId")
    yield from ((f"secret {each['Name']}", each.get("KmsKeyId")) for each in ground.secrets.values())
    yield from (
        (f"repository {each['repositoryName']}", each["encryptionConfiguration"].get("kmsKey"))
        for each in ground.repositories
    )
    yield from ((f"log group {each['logGroupName']}", each.get("kmsKeyId")) for each in ground.log_groups)
    yield from ((f"topic {arn}", each.get("KmsMasterKeyId")) for arn, each in ground.topics.items())
    yield from ((f"trail {each['Name']}", each.get("KmsKeyId")) for each in ground.trails)
    yield from ((f"workspace {each['alias']}", each.get("kmsKeyArn")) for each in ground.workspaces)
    for cluster in ground.clusters:
        found = [
            each["provider"]["keyArn"] for each in cluster.get("encryptionConfig", []) if "secrets" in each["resources"]
        ]
        yield f"etcd of {cluster['name']}", found[0] if found else None


@promise
def everything_that_holds_data_is_encrypted_by_our_keys(ground: Inventory) -> Iterator[str]:
    for what, key in encrypted(ground):
        if key not in ground.keys:
            yield f"{what} is encrypted by {key or 'no key'}"


@promise
def nodes_ask_for_metadata_by_token_and_pods_get_none(ground: Inventory) -> Iterator[str]:
    for template in ground.launch_templates:
        options = template.get("MetadataOptions", {})
        if (options.get("HttpTokens"), options.get("HttpPutResponseHopLimit")) != ("required", 1):
            yield f"{template['name']}: {options}"


@promise
def the_clusters_api_is_private_or_for_a_few(ground: Inventory) -> Iterator[str]:
    for cluster in ground.clusters:
        network = cluster["resourcesVpcConfig"]
        if not network["endpointPrivateAccess"]:
            yield f"{cluster['name']} has no private API"
        if network["endpointPublicAccess"] and {"0.0.0.0/0", "::/0"} & {
            *network.get("publicAccessCidrs", ["0.0.0.0/0"])
        }:
            yield f"the API of {cluster['name']} is open to the world"


@promise
def the_cluster_knows_people_by_access_entries_alone(ground: Inventory) -> Iterator[str]:
    for cluster in ground.clusters:
        if cluster["accessConfig"]["authenticationMode"] != "API":
            yield f"{cluster['name']}: {cluster['accessConfig']['authenticationMode']}"
        if cluster["accessConfig"].get("bootstrapClusterCreatorAdminPermissions"):
            yield f"who made {cluster['name']} administers it for good"


@promise
def the_control_plane_logs_all_that_it_can(ground: Inventory) -> Iterator[str]:
    kinds = {"api", "audit", "authenticator", "controllerManager", "scheduler"}
    for cluster in ground.clusters:
        on = {kind for each in cluster["logging"]["clusterLogging"] if each["enabled"] for kind in each["types"]}
        yield from (f"{cluster['name']} does not log {kind}" for kind in sorted(kinds - on))


@promise
def databases_force_tls_and_their_log_holds_no_value(ground: Inventory) -> Iterator[str]:
    for database in ground.databases:
        for name, wanted in PARAMETERS.items():
            if database["parameters"].get(name) != wanted:
                yield f"{database['DBInstanceIdentifier']}: {name} is {database['parameters'].get(name)}"


@promise
def databases_keep_backups_and_their_master_password_is_nobodys(ground: Inventory) -> Iterator[str]:
    for database in ground.databases:
        name = database["DBInstanceIdentifier"]
        if database["BackupRetentionPeriod"] < 1:
            yield f"{name} keeps no backup"
        if not database.get("MasterUserSecret"):
            yield f"the master password of {name} is not managed by RDS"


@promise
def images_keep_their_tags_and_are_scanned(ground: Inventory) -> Iterator[str]:
    for repository in ground.repositories:
        if repository["imageTagMutability"] != "IMMUTABLE":
            yield f"tags of {repository['repositoryName']} can be moved"
        if not repository["imageScanningConfiguration"]["scanOnPush"]:
            yield f"{repository['repositoryName']} is not scanned"


@promise
def buckets_are_closed_versioned_and_spoken_to_over_tls(ground: Inventory) -> Iterator[str]:
    blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    for name, bucket in ground.buckets.items():
        yield from (f"{name}: {block} is off" for block in blocks if not bucket["public_access"].get(block))
        if bucket["versioning"] != "Enabled":
            yield f"{name} keeps no versions"
        if not any(denies_plain_http(each) for each in statements([bucket["policy"]])):
            yield f"{name} answers without TLS"


def denies_plain_http(statement: Policy) -> bool:
    condition = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return statement["Effect"] == "Deny" and condition == "false" and "s3:*" in several(statement["Action"])


@promise
def a_trail_of_all_regions_is_kept_and_can_be_checked(ground: Inventory) -> Iterator[str]:
    if not ground.trails:
        yield "there is no trail"
    for trail in ground.trails:
        for what in ("IsMultiRegionTrail", "LogFileValidationEnabled", "IncludeGlobalServiceEvents", "logging"):
            if not trail[what]:
                yield f"{trail['Name']}: {what} is off"


@promise
def there_is_no_user_and_so_no_key_of_one(ground: Inventory) -> Iterator[str]:
    yield from ground.users
