"""EC2. moto takes the tags of a launch template itself for tags of what is launched from it, and of a security group's rule
it forgets the description where that is about another group or a prefix list. A gateway's interface and a network's list
of access outlive them there.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.vpcs import VPC, VPCBackend

from .seams import Method, around


@around(LaunchTemplate, "create_version")
def create_version(
    original: Method, template: LaunchTemplate, data: dict[str, Any], description: str
) -> LaunchTemplateVersion:
    if "TagSpecifications" in data:
        own = [each for each in data["TagSpecifications"] if each["ResourceType"] != "launch-template"]
        data["TagSpecifications"] = own
    version: LaunchTemplateVersion = original(template, data, description)
    return version


def description(rule: SecurityGroupRule) -> str | None:
    """Of whatever the rule is about; moto has it of ranges of addresses alone."""
    found: str | None = (
        rule.ip_range.get("Description") or rule.source_group.get("Description") or rule.prefix_list_description
    )
    return found


@around(SecurityGroupRule, "__init__")
def with_description(original: Method, rule: SecurityGroupRule, *words: Any, **named: Any) -> None:
    original(rule, *words, **named)
    rule.prefix_list_description = (named.get("prefix_list_id") or {}).get("Description")


SecurityGroupRule.description = property(description)


@around(NatGatewayBackend, "delete_nat_gateway")
def delete_nat_gateway(original: Method, backend: Any, name: str) -> NatGateway:
    gateway: NatGateway = original(backend, name)
    backend.delete_network_interface(gateway._eni.id)
    return gateway


@around(VPCBackend, "delete_vpc")
def delete_vpc(original: Method, backend: Any, name: str) -> VPC:
    vpc: VPC = original(backend, name)
    for each in [each.id for each in backend.network_acls.values() if each.vpc_id == name]:
        del backend.network_acls[each]
    return vpc
