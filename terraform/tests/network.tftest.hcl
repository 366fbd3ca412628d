mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name         = "careway-dev"
  cluster_name = "careway-dev"
  cidr         = "10.20.0.0/16"
  logs_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
}

override_resource {
  target          = aws_subnet.private["eu-central-1a"]
  override_during = plan
  values          = { id = "subnet-private-a" }
}

override_resource {
  target          = aws_subnet.private["eu-central-1b"]
  override_during = plan
  values          = { id = "subnet-private-b" }
}

override_resource {
  target          = aws_subnet.private["eu-central-1c"]
  override_during = plan
  values          = { id = "subnet-private-c" }
}

override_resource {
  target          = aws_subnet.public["eu-central-1a"]
  override_during = plan
  values          = { id = "subnet-public-a" }
}

override_resource {
  target          = aws_subnet.public["eu-central-1b"]
  override_during = plan
  values          = { id = "subnet-public-b" }
}

override_resource {
  target          = aws_subnet.public["eu-central-1c"]
  override_during = plan
  values          = { id = "subnet-public-c" }
}

override_resource {
  target          = aws_route_table.private["eu-central-1a"]
  override_during = plan
  values          = { id = "rtb-private-a" }
}

override_resource {
  target          = aws_route_table.private["eu-central-1b"]
  override_during = plan
  values          = { id = "rtb-private-b" }
}

override_resource {
  target          = aws_route_table.private["eu-central-1c"]
  override_during = plan
  values          = { id = "rtb-private-c" }
}

override_resource {
  target          = aws_nat_gateway.this["eu-central-1a"]
  override_during = plan
  values          = { id = "nat-a" }
}

override_resource {
  target          = aws_nat_gateway.this["eu-central-1b"]
  override_during = plan
  values          = { id = "nat-b" }
}

override_resource {
  target          = aws_nat_gateway.this["eu-central-1c"]
  override_during = plan
  values          = { id = "nat-c" }
}

override_resource {
  target          = aws_route_table.public
  override_during = plan
  values          = { id = "rtb-public" }
}

override_resource {
  target          = aws_route_table.isolated
  override_during = plan
  values          = { id = "rtb-isolated" }
}

override_resource {
  target          = aws_internet_gateway.this
  override_during = plan
  values          = { id = "igw-this" }
}

override_resource {
  target          = aws_security_group.load_balancer
  override_during = plan
  values          = { id = "sg-load-balancer" }
}

override_resource {
  target          = aws_security_group.endpoints[0]
  override_during = plan
  values          = { id = "sg-endpoints" }
}

run "subnets_have_their_sizes_and_places" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition     = output.zones == tolist(["eu-central-1a", "eu-central-1b", "eu-central-1c"])
    error_message = "Three zones by default, in order."
  }

  assert {
    condition     = output.private_subnet_cidrs == ["10.20.0.0/19", "10.20.32.0/19", "10.20.64.0/19"]
    error_message = "The private subnets are the large ones."
  }

  assert {
    condition     = output.isolated_subnet_cidrs == ["10.20.128.0/22", "10.20.132.0/22", "10.20.136.0/22"]
    error_message = "The isolated subnets begin at the middle."
  }

  assert {
    condition     = output.public_subnet_cidrs == ["10.20.192.0/22", "10.20.196.0/22", "10.20.200.0/22"]
    error_message = "The public subnets begin at three quarters."
  }

  assert {
    condition     = output.private_subnet_ids == [for zone in output.zones : aws_subnet.private[zone].id]
    error_message = "Subnets are listed in the order of their zones."
  }

  assert {
    condition = alltrue([
      for subnet in concat(values(aws_subnet.public), values(aws_subnet.private), values(aws_subnet.isolated)) :
      subnet.map_public_ip_on_launch == false
    ])
    error_message = "No subnet gives public addresses by itself."
  }

  assert {
    condition     = alltrue([for zone, subnet in aws_subnet.private : subnet.availability_zone == zone])
    error_message = "A subnet lies in its zone."
  }
}

run "subnets_are_found_by_their_tags" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition = alltrue([for subnet in aws_subnet.public :
      subnet.tags["kubernetes.io/role/elb"] == "1" && subnet.tags["kubernetes.io/cluster/careway-dev"] == "shared" &&
    !contains(keys(subnet.tags), "karpenter.sh/discovery")])
    error_message = "Public subnets are for load balancers, never for nodes."
  }

  assert {
    condition = alltrue([for subnet in aws_subnet.private :
      subnet.tags["kubernetes.io/role/internal-elb"] == "1" && subnet.tags["karpenter.sh/discovery"] == "careway-dev" &&
    subnet.tags["kubernetes.io/cluster/careway-dev"] == "shared"])
    error_message = "Private subnets are for nodes and internal load balancers."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.isolated : keys(subnet.tags) == tolist(["Name"])])
    error_message = "Nothing of Kubernetes finds an isolated subnet."
  }
}

run "ways_out" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition     = length(aws_route_table.isolated.route) == 0 && length(aws_default_route_table.closed.route) == 0
    error_message = "Isolated subnets and those without a table have no way out."
  }

  assert {
    condition = alltrue([for association in aws_route_table_association.isolated :
    association.route_table_id == aws_route_table.isolated.id])
    error_message = "Every isolated subnet uses the table without a way out."
  }

  assert {
    condition = (
      toset(keys(aws_nat_gateway.this)) == toset(output.zones) &&
      alltrue([for zone, route in aws_route.nat :
        route.route_table_id == aws_route_table.private[zone].id && route.nat_gateway_id == aws_nat_gateway.this[zone].id
      && route.destination_cidr_block == "0.0.0.0/0"])
    )
    error_message = "Each zone goes out by its own NAT gateway."
  }

  assert {
    condition     = alltrue([for zone, gateway in aws_nat_gateway.this : gateway.subnet_id == aws_subnet.public[zone].id])
    error_message = "NAT gateways lie in the public subnets."
  }

  assert {
    condition = (
      aws_route.internet.route_table_id == aws_route_table.public.id &&
      aws_route.internet.gateway_id == aws_internet_gateway.this.id
    )
    error_message = "Only the public table leads to the internet gateway."
  }

  assert {
    condition     = length(output.nat_public_ips) == 3
    error_message = "An address for each NAT gateway."
  }

  assert {
    condition     = length(aws_route.hub) == 0 && length(aws_ec2_transit_gateway_vpc_attachment.hub) == 0
    error_message = "No transit gateway without a hub."
  }
}

run "groups_are_closed" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition     = length(aws_default_security_group.closed.ingress) == 0 && length(aws_default_security_group.closed.egress) == 0
    error_message = "The default security group has no rule."
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.clients) == ["0.0.0.0/0"]
    error_message = "Without clients_cidrs the load balancers serve everyone."
  }

  assert {
    condition = alltrue([for rule in aws_vpc_security_group_ingress_rule.clients :
      rule.from_port == 443 && rule.to_port == 443 && rule.ip_protocol == "tcp"
    && rule.security_group_id == aws_security_group.load_balancer.id])
    error_message = "Clients reach load balancers on 443 alone."
  }

  assert {
    condition = alltrue([for zone, rule in aws_vpc_security_group_egress_rule.targets :
    rule.from_port == 8000 && rule.to_port == 8000 && rule.cidr_ipv4 == aws_subnet.private[zone].cidr_block])
    error_message = "Load balancers speak to pods on their port alone."
  }

  assert {
    condition = toset([for rule in aws_vpc_security_group_ingress_rule.endpoints : rule.cidr_ipv4]) == toset(output.private_subnet_cidrs) && alltrue([
      for rule in aws_vpc_security_group_ingress_rule.endpoints : rule.from_port == 443 && rule.to_port == 443
    ])
    error_message = "Endpoints are asked on 443 from the private subnets alone."
  }

  assert {
    condition     = output.endpoint_security_group_id == aws_security_group.endpoints[0].id
    error_message = "The endpoints' security group is put out."
  }
}

run "flow_logs" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_flow_log.this.log_destination == aws_cloudwatch_log_group.flow.arn
    error_message = "All traffic is logged to our group."
  }

  assert {
    condition     = aws_cloudwatch_log_group.flow.kms_key_id == var.logs_key_arn && aws_cloudwatch_log_group.flow.retention_in_days == 365
    error_message = "Flow logs are encrypted by our key and kept a year."
  }

  assert {
    condition = (
      one(data.aws_iam_policy_document.flow_trust.statement[0].principals).identifiers == toset(["vpc-flow-logs.amazonaws.com"]) &&
      contains(flatten([for condition in data.aws_iam_policy_document.flow_trust.statement[0].condition :
      condition.values if condition.variable == "aws:SourceAccount"]), "111122223333")
    )
    error_message = "Only flow logs of this account take the role."
  }

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.flow.statement : !contains(statement.resources, "*")])
    error_message = "The role of the flow logs writes to no other group."
  }

  assert {
    condition = (
      aws_iam_role_policies_exclusive.flow.policy_names == toset(["write-flow-logs"]) &&
      length(aws_iam_role_policy_attachments_exclusive.flow.policy_arns) == 0
    )
    error_message = "A policy that somebody adds to the role is drift."
  }
}

run "dev_pays_for_one_gateway" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    nat        = "one"
    zone_count = 2
    cidr       = "192.168.16.0/20"
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-central-1a"]
    error_message = "One NAT gateway."
  }

  assert {
    condition = length(aws_route.nat) == 2 && alltrue([
      for route in aws_route.nat : route.nat_gateway_id == aws_nat_gateway.this["eu-central-1a"].id
    ])
    error_message = "Both zones go out by it."
  }

  assert {
    condition = (
      output.private_subnet_cidrs == ["192.168.16.0/23", "192.168.18.0/23"] &&
      output.isolated_subnet_cidrs == ["192.168.24.0/26", "192.168.24.64/26"] &&
      output.public_subnet_cidrs == ["192.168.28.0/26", "192.168.28.64/26"]
    )
    error_message = "The smallest network holds the same subnets."
  }
}

run "clients_can_be_narrowed" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    clients_cidrs = ["198.51.100.0/24"]
    taken_cidrs   = ["10.21.0.0/16", "10.0.0.0/12", "172.16.0.0/12"]
  }

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.clients : rule.cidr_ipv4] == ["198.51.100.0/24"]
    error_message = "Nobody but the clients named."
  }

  assert {
    condition     = output.cidr == "10.20.0.0/16"
    error_message = "A neighbour is no overlap."
  }
}
