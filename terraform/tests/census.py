"""Everything in the account by what AWS calls it: what is there before the ground has to be all that is there after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .account import REPLICA_REGION, Account

# Service, operation, the answer's list, and the name in each of its entries; "" where the entry is the name.
LISTS = (
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("ec2", "describe_addresses", "Addresses", "AllocationId"),
    ("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("ec2", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
    ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    ("ec2", "describe_volumes", "Volumes", "VolumeId"),
    ("kms", "list_aliases", "Aliases", "AliasName"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("iam", "list_users", "Users", "UserName"),
    ("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    ("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("secretsmanager", "list_secrets", "SecretList", "Name"),
    ("ecr", "describe_repositories", "repositories", "repositoryName"),
    ("eks", "list_clusters", "clusters", ""),
    ("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    ("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    ("rds", "describe_db_parameter_groups", "DBParameterGroups", "DBParameterGroupName"),
    ("rds", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier"),
    ("rds", "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups", "DBInstanceIdentifier"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    ("cloudtrail", "describe_trails", "trailList", "Name"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("events", "list_rules", "Rules", "Name"),
    ("guardduty", "list_detectors", "DetectorIds", ""),
    ("config", "describe_configuration_recorders", "ConfigurationRecorders", "name"),
    ("config", "describe_delivery_channels", "DeliveryChannels", "name"),
    ("config", "describe_config_rules", "ConfigRules", "ConfigRuleName"),
    ("amp", "list_workspaces", "workspaces", "workspaceId"),
    ("xray", "get_groups", "Groups", "GroupName"),
)

# These are told of for a while after they were taken away.
OF_THE_PAST = (
    ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
    ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
)


def census(account: Account) -> set[str]:
    return {*_census(account, ""), *_census(account, REPLICA_REGION), *_owned(account)}


def _census(account: Account, region: str) -> Iterator[str]:
    for service, operation, key, name in LISTS:
        for each in listed(account.client(service, region), operation, key):
            yield f"{region or account.region} {service} {key} {each[name] if name else each}"
    for operation, key, name in OF_THE_PAST:
        for each in listed(account.client("ec2", region), operation, key):
            if each["State"] != "deleted":
                yield f"{region or account.region} ec2 {key} {each[name]}"
    for each in listed(account.client("kms", region), "list_keys", "Keys"):
        key = account.client("kms", region).describe_key(KeyId=each["KeyId"])["KeyMetadata"]
        if key["KeyState"] != "PendingDeletion":
            yield f"{region or account.region} kms Keys {each['KeyId']}"


def _owned(account: Account) -> Iterator[str]:
    """What is listed by its owner."""
    for each in listed(account.iam, "list_policies", "Policies", Scope="Local"):
        yield f"iam Policies {each['PolicyName']}"
    number = account.sts.get_caller_identity()["Account"]
    for each in listed(account.budgets, "describe_budgets", "Budgets", AccountId=number):
        yield f"budgets Budgets {each['BudgetName']}"


def listed(client: Any, operation: str, key: str, **named: Any) -> list[Any]:
    if not client.can_paginate(operation):
        return list(getattr(client, operation)(**named)[key])
    return [each for page in client.get_paginator(operation).paginate(**named) for each in page.get(key, [])]
