"""`make cost ENV=…`: what of an environment is paid for by the hour or the month, times the prices that you fill in.

Counted is the plan; what is paid by use (traffic, logs, requests) is named below the table, and not guessed. No price is
known here: terraform/prices.json has the names, and null. `--plan FILE` reads a plan's JSON instead of asking AWS.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from terraform.environment import ROOT, Environment

PRICES = ROOT / "terraform" / "prices.json"
# As AWS itself reckons a month (https://aws.amazon.com/premiumsupport/knowledge-center/ec2-billing-estimate/).
HOURS = 730
BY_USE = (
    "traffic through NAT, endpoints, transit gateways and between zones; load balancers, which the cluster makes; logs, "
    "metrics and traces; storage of images, archives, trails and backups beyond the database's size; events that GuardDuty "
    "and Config look at; requests to KMS and Secrets Manager; pipelines and their builds; the function that rotates"
)

Resource = Mapping[str, Any]
Counts = Iterator[tuple[str, float]]


def resources(plan: Mapping[str, Any]) -> Iterator[Resource]:
    """Every managed resource that is there once the plan is applied."""
    modules = [plan["planned_values"]["root_module"]]
    while modules:
        module = modules.pop()
        modules += module.get("child_modules", [])
        yield from (each for each in module.get("resources", []) if each["mode"] == "managed")


def counted(plan: Mapping[str, Any]) -> Counter[str]:
    """Units in a month by the name of their price, such as `nat gateway hour`."""
    everything = list(resources(plan))
    counts: Counter[str] = Counter()
    for each in everything:
        if count := PAID.get(each["type"]):
            for name, units in count(each, everything):
                counts[name] += units  # type: ignore[assignment]  # typeshed knows whole numbers only
    return counts


def hourly(name: str) -> Callable[[Resource, Sequence[Resource]], Counts]:
    return lambda _, __: iter([(f"{name} hour", HOURS)])


def monthly(name: str) -> Callable[[Resource, Sequence[Resource]], Counts]:
    return lambda _, __: iter([(f"{name} month", 1)])


def nodes(group: Resource, everything: Sequence[Resource]) -> Counts:
    """As many as are wanted at first: what the autoscaler adds is by use. Their disks stand in the launch template."""
    wanted = group["values"]["scaling_config"][0]["desired_size"]
    capacity = " spot" if group["values"].get("capacity_type") == "SPOT" else ""
    yield f"ec2 {group['values']['instance_types'][0]}{capacity} hour", HOURS * wanted
    for template in everything:
        if template["type"] == "aws_launch_template" and template.get("index") == group.get("index"):
            for disk in template["values"]["block_device_mappings"]:
                yield f"ebs {disk['ebs'][0]['volume_type']} gib month", disk["ebs"][0]["volume_size"] * wanted


def endpoint(of: Resource, everything: Sequence[Resource]) -> Counts:
    """An interface has an address in every zone; which subnets those are is not known before there are any."""
    if of["values"]["vpc_endpoint_type"] == "Interface":
        zones = {each["values"]["availability_zone"] for each in everything if each["type"] == "aws_subnet"}
        yield "vpc endpoint zone hour", HOURS * len(zones)


def database(of: Resource, _: Sequence[Resource]) -> Counts:
    values = of["values"]
    zones = "multi-az" if values["multi_az"] else "single-az"
    yield f"rds {values['instance_class']} {zones} hour", HOURS
    yield f"rds {values['storage_type']} {zones} gib month", values["allocated_storage"]
    if values.get("manage_master_user_password"):
        yield "secret month", 1


def migration(of: Resource, _: Sequence[Resource]) -> Counts:
    zones = "multi-az" if of["values"]["multi_az"] else "single-az"
    yield f"dms {of['values']['replication_instance_class']} {zones} hour", HOURS


PAID: dict[str, Callable[[Resource, Sequence[Resource]], Counts]] = {
    "aws_cloudwatch_metric_alarm": monthly("alarm"),
    "aws_db_instance": database,
    "aws_dms_replication_instance": migration,
    "aws_ec2_transit_gateway_vpc_attachment": hourly("transit gateway attachment"),
    "aws_eip": hourly("public ipv4 address"),
    "aws_eks_cluster": hourly("eks cluster"),
    "aws_eks_node_group": nodes,
    "aws_kms_key": monthly("kms key"),
    "aws_nat_gateway": hourly("nat gateway"),
    "aws_secretsmanager_secret": monthly("secret"),
    "aws_vpc_endpoint": endpoint,
}


def read(prices: Path) -> tuple[str, Mapping[str, float | None]]:
    """The currency, and the prices by name. Raises SystemExit for what is neither null nor an amount."""
    held = json.loads(prices.read_text(encoding="utf-8"))
    for name, price in held["prices"].items():
        if price is not None and (isinstance(price, bool) or not isinstance(price, int | float) or price < 0):
            raise SystemExit(f"{prices.name}: {name} is {price!r}: it has to be null, or an amount of 0 or more.")
    return held["currency"], held["prices"]


def table(counts: Mapping[str, float], prices: Mapping[str, float | None], currency: str) -> str:
    """A line for each price, and what they come to; a price that is missing is said, and never taken for nothing."""
    width = max(map(len, ["paid for", *counts]))
    lines = [f"{'paid for':{width}}  {'a month':>9}  {'price':>9}  {currency:>10}"]
    total, missing = 0.0, []
    for name, units in sorted(counts.items()):
        price = prices.get(name)
        if price is None:
            missing.append(name)
        else:
            total += units * price
        amount = ("?", "?") if price is None else (f"{price:g}", f"{units * price:.2f}")
        lines.append(f"{name:{width}}  {units:>9g}  {amount[0]:>9}  {amount[1]:>10}")
    lines.append(f"{'in all':{width}}  {'':>9}  {'':>9}  {total:>10.2f}")
    if missing:
        lines.append(f"Without {len(missing)} prices that terraform/prices.json does not have: {', '.join(missing)}.")
    return "\n".join([*lines, f"By use, and not counted: {BY_USE}."])


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="terraform.cost", description=__doc__.partition("\n")[0])
    parser.add_argument("environment")
    parser.add_argument("--plan", type=Path, help="the JSON of a plan, instead of planning now")
    asked = parser.parse_args(words)
    environment = Environment.named(asked.environment)
    plan = json.loads(asked.plan.read_text(encoding="utf-8")) if asked.plan else environment.look()
    currency, prices = read(PRICES)
    sys.stdout.write(table(counted(plan), prices, currency) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
