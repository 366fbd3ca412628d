"""What there is in the account, read back with boto3 when it is first asked for, and kept for the promises.

The network that every new account comes with, and the roles of people that were there before, are not the ground's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from .account import PEOPLE, REPLICA_REGION, Account
from .census import listed
from .statements import Policy, read

Record = dict[str, Any]


class Inventory:
    def __init__(self, account: Account) -> None:
        self.account = account

    def pages(self, service: str, operation: str, key: str, region: str = "", **named: Any) -> list[Any]:
        return listed(self.account.client(service, region), operation, key, **named)

    # The network.

    @cached_property
    def vpcs(self) -> list[Record]:
        return [vpc for vpc in self.pages("ec2", "describe_vpcs", "Vpcs") if not vpc["IsDefault"]]

    def of_our_vpcs(self, operation: str, key: str) -> list[Record]:
        ours = {vpc["VpcId"] for vpc in self.vpcs}
        return [each for each in self.pages("ec2", operation, key) if each.get("VpcId") in ours]

    @cached_property
    def subnets(self) -> list[Record]:
        return self.of_our_vpcs("describe_subnets", "Subnets")

    @cached_property
    def security_groups(self) -> list[Record]:
        return self.of_our_vpcs("describe_security_groups", "SecurityGroups")

    @cached_property
    def public_subnet_ids(self) -> set[str]:
        """Those with a route to an internet gateway, whatever they are called."""
        found = set()
        for table in self.of_our_vpcs("describe_route_tables", "RouteTables"):
            open_ = any(route.get("GatewayId", "").startswith("igw-") for route in table["Routes"])
            joined = {each["SubnetId"] for each in table["Associations"] if "SubnetId" in each}
            found |= joined if open_ else set()
        return found | {subnet["SubnetId"] for subnet in self.subnets if subnet["MapPublicIpOnLaunch"]}

    @cached_property
    def launch_templates(self) -> list[Record]:
        """What nodes are started with: the newest version's data."""
        versions = self.pages(
            "ec2", "describe_launch_template_versions", "LaunchTemplateVersions", Versions=["$Latest"]
        )
        return [each["LaunchTemplateData"] | {"name": each["LaunchTemplateName"]} for each in versions]

    @cached_property
    def flow_logs(self) -> list[Record]:
        return self.pages("ec2", "describe_flow_logs", "FlowLogs")

    # Keys, and what they encrypt.

    @cached_property
    def keys(self) -> dict[str, Record]:
        """The customer's own that are in use, by ARN, of both regions."""
        return {key["Arn"]: key for region in ("", REPLICA_REGION) for key in self._keys(region)}

    def _keys(self, region: str) -> Iterator[Record]:
        client = self.account.client("kms", region)
        for each in self.pages("kms", "list_keys", "Keys", region):
            key = client.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
            if key["KeyManager"] == "CUSTOMER" and key["KeyState"] == "Enabled":
                policy = read(client.get_key_policy(KeyId=each["KeyId"], PolicyName="default")["Policy"])
                rotation = client.get_key_rotation_status(KeyId=each["KeyId"])
                yield key | {"rotates": rotation["KeyRotationEnabled"], "policy": policy}

    @cached_property
    def buckets(self) -> dict[str, Record]:
        return {each["Name"]: self._bucket(each["Name"]) for each in self.account.s3.list_buckets()["Buckets"]}

    def _bucket(self, name: str) -> Record:
        s3 = self.account.s3
        encryption = tried(s3.get_bucket_encryption, Bucket=name).get("ServerSideEncryptionConfiguration", {})
        policy = tried(s3.get_bucket_policy, Bucket=name).get("Policy", '{"Statement": []}')
        return {
            "encryption": [each["ApplyServerSideEncryptionByDefault"] for each in encryption.get("Rules", [])],
            "public_access": tried(s3.get_public_access_block, Bucket=name).get("PublicAccessBlockConfiguration", {}),
            "versioning": s3.get_bucket_versioning(Bucket=name).get("Status", ""),
            "lock": tried(s3.get_object_lock_configuration, Bucket=name).get("ObjectLockConfiguration", {}),
            "policy": read(policy),
        }

    @cached_property
    def secrets(self) -> dict[str, Record]:
        """By ARN; the database's master secret, which RDS keeps, among them."""
        client, found = self.account.secretsmanager, {}
        for each in self.pages("secretsmanager", "list_secrets", "SecretList"):
            policy = client.get_resource_policy(SecretId=each["ARN"]).get("ResourcePolicy")
            found[each["ARN"]] = each | {"policy": read(policy) if policy else {"Statement": []}}
        return found

    @cached_property
    def repositories(self) -> list[Record]:
        found = self.pages("ecr", "describe_repositories", "repositories")
        ask = self.account.ecr.get_repository_policy
        texts = [tried(ask, repositoryName=each["repositoryName"]).get("policyText", "{}") for each in found]
        return [each | {"policy": read(text)} for each, text in zip(found, texts, strict=True)]

    @cached_property
    def log_groups(self) -> list[Record]:
        return self.pages("logs", "describe_log_groups", "logGroups")

    @cached_property
    def topics(self) -> dict[str, Record]:
        arns = [each["TopicArn"] for each in self.pages("sns", "list_topics", "Topics")]
        return {arn: self.account.sns.get_topic_attributes(TopicArn=arn)["Attributes"] for arn in arns}

    @cached_property
    def trails(self) -> list[Record]:
        client = self.account.cloudtrail
        trails = client.describe_trails()["trailList"]
        return [each | {"logging": client.get_trail_status(Name=each["TrailARN"])["IsLogging"]} for each in trails]

    @cached_property
    def workspaces(self) -> list[Record]:
        arns = [each["workspaceId"] for each in self.pages("amp", "list_workspaces", "workspaces")]
        return [self.account.amp.describe_workspace(workspaceId=each)["workspace"] for each in arns]

    @cached_property
    def detectors(self) -> list[Record]:
        names = self.pages("guardduty", "list_detectors", "DetectorIds")
        return [self.account.guardduty.get_detector(DetectorId=each) for each in names]

    # The cluster and the databases.

    @cached_property
    def clusters(self) -> list[Record]:
        names = self.pages("eks", "list_clusters", "clusters")
        return [self.account.eks.describe_cluster(name=name)["cluster"] for name in names]

    @cached_property
    def node_groups(self) -> list[Record]:
        eks, found = self.account.eks, []
        for cluster in self.clusters:
            for name in eks.list_nodegroups(clusterName=cluster["name"])["nodegroups"]:
                found.append(eks.describe_nodegroup(clusterName=cluster["name"], nodegroupName=name)["nodegroup"])
        return found

    @cached_property
    def databases(self) -> list[Record]:
        found = self.pages("rds", "describe_db_instances", "DBInstances")
        return [each | {"parameters": self._parameters(each)} for each in found]

    def _parameters(self, database: Record) -> dict[str, str]:
        (group,) = database["DBParameterGroups"]
        read_ = self.pages(
            "rds", "describe_db_parameters", "Parameters", DBParameterGroupName=group["DBParameterGroupName"]
        )
        return {each["ParameterName"]: each.get("ParameterValue", "") for each in read_}

    # Who may do what.

    @cached_property
    def roles(self) -> dict[str, Record]:
        """By name: the ARN, the trust policy, the policies of its own and AWS's by ARN."""
        roles = self.pages("iam", "list_roles", "Roles")
        return {role["RoleName"]: self._role(role) for role in roles if role["RoleName"] not in PEOPLE}

    def _role(self, role: Record) -> Record:
        iam, name = self.account.iam, role["RoleName"]
        policies: dict[str, Policy] = {}
        for policy in self.pages("iam", "list_role_policies", "PolicyNames", RoleName=name):
            policies[policy] = read(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
        for each in self.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name):
            policies[each["PolicyArn"]] = self._policy(each["PolicyArn"])
        return {"arn": role["Arn"], "trust": read(role["AssumeRolePolicyDocument"]), "policies": policies}

    def _policy(self, arn: str) -> Policy:
        iam = self.account.iam
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return read(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])

    @cached_property
    def users(self) -> list[str]:
        return [each["UserName"] for each in self.pages("iam", "list_users", "Users")]


def tried(ask: Any, **named: Any) -> Record:
    """Nothing where AWS answers that there is none."""
    try:
        found: Record = ask(**named)
    except ClientError:
        return {}
    return found
