"""What production promises beyond the rest."""

from __future__ import annotations

from collections.abc import Iterator

from .inventory import Inventory
from .promises import Promise

PRODUCTION: dict[str, Promise] = {}


def in_production(question: Promise) -> Promise:
    PRODUCTION[question.__name__] = question
    return question


@in_production
def databases_outlive_a_zone_and_a_mistake(ground: Inventory) -> Iterator[str]:
    for database in ground.databases:
        name = database["DBInstanceIdentifier"]
        if not database["MultiAZ"]:
            yield f"{name} is in one zone"
        if not database["DeletionProtection"]:
            yield f"{name} can be deleted"
        if database["BackupRetentionPeriod"] < 7:
            yield f"{name} keeps backups of {database['BackupRetentionPeriod']} days"


@in_production
def each_zone_has_a_way_out_of_its_own(ground: Inventory) -> Iterator[str]:
    zones = {each["AvailabilityZone"]: each["SubnetId"] for each in ground.subnets}
    gateways = [
        each for each in ground.of_our_vpcs("describe_nat_gateways", "NatGateways") if each["State"] == "available"
    ]
    served = {
        each["AvailabilityZone"] for each in ground.subnets if each["SubnetId"] in {one["SubnetId"] for one in gateways}
    }
    yield from sorted(zones.keys() - served)
    if len(zones) < 3:
        yield f"there are {len(zones)} zones"
    zone_of = {each["SubnetId"]: each["AvailabilityZone"] for each in ground.subnets}
    gateway_zone = {each["NatGatewayId"]: zone_of[each["SubnetId"]] for each in gateways}
    for table in ground.of_our_vpcs("describe_route_tables", "RouteTables"):
        ways = {gateway_zone.get(each["NatGatewayId"]) for each in table["Routes"] if each.get("NatGatewayId")}
        for subnet in (each["SubnetId"] for each in table["Associations"] if each.get("SubnetId")):
            if ways and ways != {zone_of[subnet]}:
                yield f"{subnet} goes out by another zone"


@in_production
def the_trail_cannot_be_deleted(ground: Inventory) -> Iterator[str]:
    for trail in ground.trails:
        lock = ground.buckets[trail["S3BucketName"]]["lock"]
        if lock.get("ObjectLockEnabled") != "Enabled" or "DefaultRetention" not in lock.get("Rule", {}):
            yield f"{trail['S3BucketName']} is not locked"


@in_production
def attacks_on_the_cluster_are_looked_for(ground: Inventory) -> Iterator[str]:
    looking = [each for each in ground.detectors if each["Status"] == "ENABLED"]
    if not looking:
        yield "GuardDuty is off"
    for detector in looking:
        on = {each["Name"] for each in detector["Features"] if each["Status"] == "ENABLED"}
        if "EKS_AUDIT_LOGS" not in on:
            yield "GuardDuty does not read the cluster's audit log"


@in_production
def the_cluster_has_three_nodes_over_three_zones(ground: Inventory) -> Iterator[str]:
    zone_of = {each["SubnetId"]: each["AvailabilityZone"] for each in ground.subnets}
    for group in ground.node_groups:
        if group["scalingConfig"]["minSize"] >= 3 and len({zone_of[each] for each in group["subnets"]}) >= 3:
            return
    yield "no node group has three nodes in three zones"
