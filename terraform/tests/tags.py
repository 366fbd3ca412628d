"""The tags of everything that can have some, read back from each service; and what of the state could not be found so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .inventory import Inventory, tried
from .promises import promise

REQUIRED = {"Project", "Environment", "ManagedBy", "Owner", "CostCentre", "Repository"}
# Made by AWS for us: it gives them no tags of ours.
OF_AWS = ("rds!", "eks-cluster-sg-")


def flat(tags: Any) -> dict[str, str]:
    """The ways in which services write tags, as one."""
    if isinstance(tags, dict):
        return tags
    return {
        each.get("Key", each.get("TagKey", each.get("key"))): each.get("Value", each.get("TagValue", ""))
        for each in tags or []
    }


def tags(ground: Inventory) -> Iterator[tuple[str, dict[str, str]]]:
    account = ground.account
    yield from of_network(ground)
    yield from of_iam(ground)
    yield from of_watching(ground)
    for arn in ground.keys:
        region = arn.split(":")[3]
        yield arn, flat(account.client("kms", region).list_resource_tags(KeyId=arn)["Tags"])
    for name in ground.buckets:
        yield f"arn:aws:s3:::{name}", flat(tried(account.s3.get_bucket_tagging, Bucket=name).get("TagSet"))
    for arn, secret in ground.secrets.items():
        if not secret["Name"].startswith(OF_AWS):
            yield arn, flat(secret.get("Tags"))
    for repository in ground.repositories:
        arn = repository["repositoryArn"]
        yield arn, flat(account.ecr.list_tags_for_resource(resourceArn=arn)["tags"])
    for group in ground.log_groups:
        arn = group["arn"].removesuffix(":*")
        yield arn, account.logs.list_tags_for_resource(resourceArn=arn)["tags"]
    for arn in ground.topics:
        yield arn, flat(account.sns.list_tags_for_resource(ResourceArn=arn)["Tags"])
    for trail in ground.trails:
        (found,) = account.cloudtrail.list_tags(ResourceIdList=[trail["TrailARN"]])["ResourceTagList"]
        yield trail["TrailARN"], flat(found["TagsList"])
    for workspace in ground.workspaces:
        yield workspace["arn"], workspace["tags"]
    for detector in ground.pages("guardduty", "list_detectors", "DetectorIds"):
        yield detector, account.guardduty.get_detector(DetectorId=detector)["Tags"]
    yield from of_databases(ground)
    yield from of_cluster(ground)


def of_network(ground: Inventory) -> Iterator[tuple[str, dict[str, str]]]:
    ours = {vpc["VpcId"] for vpc in ground.vpcs}
    for operation, key, name in (
        ("describe_vpcs", "Vpcs", "VpcId"),
        ("describe_subnets", "Subnets", "SubnetId"),
        ("describe_route_tables", "RouteTables", "RouteTableId"),
        ("describe_security_groups", "SecurityGroups", "GroupId"),
        ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
        ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
    ):
        for each in ground.pages("ec2", operation, key):
            if each["VpcId"] in ours and not each.get("GroupName", "").startswith(OF_AWS):
                yield each[name], flat(each.get("Tags"))
    for operation, key, name in (
        ("describe_addresses", "Addresses", "AllocationId"),
        ("describe_flow_logs", "FlowLogs", "FlowLogId"),
        ("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    ):
        yield from ((each[name], flat(each.get("Tags"))) for each in ground.pages("ec2", operation, key))
    for gateway in ground.pages("ec2", "describe_internet_gateways", "InternetGateways"):
        if ours & {each["VpcId"] for each in gateway["Attachments"]}:
            yield gateway["InternetGatewayId"], flat(gateway.get("Tags"))
    ours_too = {each["GroupId"] for each in ground.security_groups}
    born = {each["GroupId"] for each in ground.security_groups if each["GroupName"].startswith(OF_AWS)}
    for rule in ground.pages("ec2", "describe_security_group_rules", "SecurityGroupRules"):
        # Those that a group of AWS is born with are AWS's.
        if rule["GroupId"] in ours_too and (rule.get("Tags") or rule["GroupId"] not in born):
            yield rule["SecurityGroupRuleId"], flat(rule.get("Tags"))


def of_watching(ground: Inventory) -> Iterator[tuple[str, dict[str, str]]]:
    account = ground.account
    for rule in ground.pages("events", "list_rules", "Rules"):
        yield rule["Arn"], flat(account.events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"])
    for alarm in ground.pages("cloudwatch", "describe_alarms", "MetricAlarms"):
        arn = alarm["AlarmArn"]
        yield arn, flat(account.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"])
    for rule in ground.pages("config", "describe_config_rules", "ConfigRules"):
        arn = rule["ConfigRuleArn"]
        yield arn, flat(account.config.list_tags_for_resource(ResourceArn=arn)["Tags"])
    for group in ground.pages("xray", "get_groups", "Groups"):
        arn = group["GroupARN"]
        yield arn, flat(account.xray.list_tags_for_resource(ResourceARN=arn)["Tags"])
    number = account.sts.get_caller_identity()["Account"]
    for budget in ground.pages("budgets", "describe_budgets", "Budgets", AccountId=number):
        arn = f"arn:aws:budgets::{number}:budget/{budget['BudgetName']}"
        yield arn, flat(account.budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"])


def of_iam(ground: Inventory) -> Iterator[tuple[str, dict[str, str]]]:
    iam = ground.account.iam
    for name, role in ground.roles.items():
        if not role["arn"].split(":role/")[1].startswith("aws-service-role/"):
            yield role["arn"], flat(iam.list_role_tags(RoleName=name)["Tags"])
    for policy in ground.pages("iam", "list_policies", "Policies", Scope="Local"):
        yield policy["Arn"], flat(iam.list_policy_tags(PolicyArn=policy["Arn"])["Tags"])


def of_databases(ground: Inventory) -> Iterator[tuple[str, dict[str, str]]]:
    rds = ground.account.rds
    for operation, key, name in (
        ("describe_db_instances", "DBInstances", "DBInstanceArn"),
        ("describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupArn"),
        ("describe_db_parameter_groups", "DBParameterGroups", "DBParameterGroupArn"),
    ):
        for each in ground.pages("rds", operation, key):
            yield each[name], flat(rds.list_tags_for_resource(ResourceName=each[name])["TagList"])


def of_cluster(ground: Inventory) -> Iterator[tuple[str, dict[str, str]]]:
    eks = ground.account.eks
    for cluster in ground.clusters:
        name = cluster["name"]
        yield cluster["arn"], cluster["tags"]
        for addon in eks.list_addons(clusterName=name)["addons"]:
            found = eks.describe_addon(clusterName=name, addonName=addon)["addon"]
            yield found["addonArn"], found["tags"]
        for principal in eks.list_access_entries(clusterName=name)["accessEntries"]:
            found = eks.describe_access_entry(clusterName=name, principalArn=principal)["accessEntry"]
            yield found["accessEntryArn"], found["tags"]
        for each in ground.pages("eks", "list_pod_identity_associations", "associations", clusterName=name):
            found = eks.describe_pod_identity_association(clusterName=name, associationId=each["associationId"])
            if not found["association"].get("ownerArn"):
                yield found["association"]["associationArn"], found["association"]["tags"]
    yield from ((each["nodegroupArn"], each["tags"]) for each in ground.node_groups)


@promise
def everything_says_whose_it_is_and_who_pays(ground: Inventory) -> Iterator[str]:
    for what, found in tags(ground):
        if missing := REQUIRED - found.keys():
            yield f"{what} lacks {', '.join(sorted(missing))}"
