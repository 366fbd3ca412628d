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
  target          = aws_security_group.endpoints[0]
  override_during = plan
  values          = { id = "sg-endpoints" }
}

run "aws_is_asked_inside_the_network" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition = toset(keys(aws_vpc_endpoint.interface)) == toset([
      "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "logs", "oidc-eks", "secretsmanager", "sts",
    ])
    error_message = "What nodes, controllers and secrets ask has an endpoint."
  }

  assert {
    condition = alltrue([for service, endpoint in aws_vpc_endpoint.interface :
      endpoint.private_dns_enabled && endpoint.service_name == "com.amazonaws.eu-central-1.${service}" &&
      endpoint.subnet_ids == toset(output.private_subnet_ids) &&
    endpoint.security_group_ids == toset([output.endpoint_security_group_id])])
    error_message = "Endpoints lie in the private subnets, behind their security group, under AWS's own names."
  }

  assert {
    condition     = output.endpoint_cidrs == output.private_subnet_cidrs
    error_message = "The chart's network policy lets pods reach the endpoints."
  }

  assert {
    condition     = aws_vpc_endpoint.s3.route_table_ids == toset([for table in aws_route_table.private : table.id])
    error_message = "S3's gateway serves the private subnets and not the isolated ones."
  }
}

run "endpoints_let_pass_this_account_alone" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    interface_endpoints = [
      "aps-workspaces", "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "kms",
      "logs", "oidc-eks", "rds", "secretsmanager", "sts", "xray",
    ]
  }

  assert {
    condition     = setsubtract(keys(aws_vpc_endpoint.interface), keys(data.aws_iam_policy_document.interface_endpoint)) == toset(["eks-auth", "oidc-eks"])
    error_message = "Every endpoint that takes a policy has one."
  }

  assert {
    condition = alltrue(flatten([for policy in data.aws_iam_policy_document.interface_endpoint : [
      for statement in policy.statement : contains(flatten([
        for condition in statement.condition : condition.values if condition.variable == "aws:PrincipalAccount"
      ]), "111122223333") if statement.sid != "TokensForOwnRoles"
    ]]))
    error_message = "Only principals of this account pass."
  }

  assert {
    condition = alltrue(flatten([for policy in data.aws_iam_policy_document.interface_endpoint : [
      for statement in policy.statement : [for action in statement.actions : !endswith(action, ":*")]
      if contains(statement.resources, "*")
    ]]))
    error_message = "No wildcard action on a wildcard resource."
  }

  assert {
    condition = alltrue(flatten([for policy in data.aws_iam_policy_document.interface_endpoint : [
      for statement in policy.statement : [for resource in statement.resources : strcontains(resource, ":111122223333:")]
      if statement.sid != "WithoutResource"
    ]]))
    error_message = "What names a resource names one of this account."
  }

  assert {
    condition = data.aws_iam_policy_document.interface_endpoint["secretsmanager"].statement[0].resources == toset([
      "arn:aws:secretsmanager:eu-central-1:111122223333:*"
    ])
    error_message = "No secret of another account is read or written through the endpoint."
  }

  assert {
    condition = alltrue([for service in ["ecr.api", "ecr.dkr"] : length(setsubtract(
      flatten([for statement in data.aws_iam_policy_document.interface_endpoint[service].statement : statement.actions]),
      ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"],
    )) == 0])
    error_message = "Images are pulled and never pushed from inside the network."
  }

  assert {
    condition = one([for statement in data.aws_iam_policy_document.interface_endpoint["sts"].statement :
    statement.resources if statement.sid == "TokensForOwnRoles"]) == toset(["arn:aws:iam::111122223333:role/*"])
    error_message = "Tokens of the cluster are exchanged for roles of this account alone."
  }
}

run "s3_lets_pass_own_buckets_and_image_layers" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition = toset([for condition in data.aws_iam_policy_document.s3_endpoint.statement[0].condition : condition.variable]) == toset([
      "aws:PrincipalAccount", "aws:ResourceAccount",
    ])
    error_message = "Buckets of this account, by principals of this account."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.s3_endpoint.statement[1].actions == toset(["s3:GetObject"]) &&
      data.aws_iam_policy_document.s3_endpoint.statement[1].resources == toset(["arn:aws:s3:::prod-eu-central-1-starport-layer-bucket/*", "arn:aws:s3:::prod-registry-k8s-io-eu-central-1/*"])
    )
    error_message = "Of others' buckets only ECR's layers are read."
  }
}

run "a_hub_is_reached_by_its_transit_gateway" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    hub = { transit_gateway_id = "tgw-0123456789abcdef0", cidrs = ["10.0.0.0/8", "172.20.0.0/16"] }
  }

  assert {
    condition = (
      aws_ec2_transit_gateway_vpc_attachment.hub[0].subnet_ids == toset(output.private_subnet_ids) &&
      aws_ec2_transit_gateway_vpc_attachment.hub[0].transit_gateway_id == "tgw-0123456789abcdef0"
    )
    error_message = "The private subnets are attached."
  }

  assert {
    condition = length(aws_route.hub) == 6 && alltrue([for route in aws_route.hub :
      contains(["10.0.0.0/8", "172.20.0.0/16"], route.destination_cidr_block) && route.transit_gateway_id == "tgw-0123456789abcdef0" &&
    contains([for table in aws_route_table.private : table.id], route.route_table_id)])
    error_message = "Each private table leads to each network of the hub, and no other table does."
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_vpc_endpoint.interface) == 11
    error_message = "A hub alone takes neither NAT nor endpoints away."
  }
}

run "a_hub_may_be_the_way_out_and_share_its_endpoints" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    hub       = { transit_gateway_id = "tgw-0123456789abcdef0", cidrs = ["10.1.0.0/16"] }
    nat       = "none"
    endpoints = false
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_eip.nat) == 0 && length(aws_route.nat) == 0 && output.nat_public_ips == []
    error_message = "No NAT here."
  }

  assert {
    condition = toset([for route in aws_route.hub : route.destination_cidr_block]) == toset(["10.1.0.0/16", "0.0.0.0/0"]) && length([
      for route in aws_route.hub : route if route.destination_cidr_block == "0.0.0.0/0"
    ]) == 3
    error_message = "Every zone goes out through the hub."
  }

  assert {
    condition = (
      length(aws_vpc_endpoint.interface) == 0 && length(aws_security_group.endpoints) == 0 &&
      output.endpoint_security_group_id == null && output.endpoint_cidrs == tolist(["10.1.0.0/16"])
    )
    error_message = "AWS is asked through the hub's endpoints."
  }

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway"
    error_message = "S3's gateway is free and cannot be shared, so it stays."
  }
}
