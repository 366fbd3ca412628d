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

run "values_of_a_wrong_form" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    name                    = "Careway"
    cluster_name            = "careway.dev"
    taken_cidrs             = ["10.21.0.0"]
    zone_count              = 1
    excluded_zone_ids       = ["us-east-1c"]
    nat                     = "two"
    interface_endpoints     = ["ec2", "ecr.api", "ecr.dkr", "sts", "sqs"]
    clients_cidrs           = ["198.51.100.7"]
    target_port             = 80
    logs_key_arn            = "alias/careway-dev-logs"
    flow_log_retention_days = 100
  }

  expect_failures = [
    var.name,
    var.cluster_name,
    var.taken_cidrs,
    var.zone_count,
    var.excluded_zone_ids,
    var.nat,
    var.interface_endpoints,
    var.clients_cidrs,
    var.target_port,
    var.logs_key_arn,
    var.flow_log_retention_days,
  ]
}

run "values_out_of_bounds" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    name                = "careway-development-of-genomics"
    zone_count          = 5
    taken_cidrs         = ["10.21.1.0/16"]
    interface_endpoints = ["ec2", "sts"]
    clients_cidrs       = []
    target_port         = 70000
  }

  expect_failures = [
    var.name,
    var.zone_count,
    var.taken_cidrs,
    var.interface_endpoints,
    var.clients_cidrs,
    var.target_port,
  ]
}

run "what_needs_a_hub" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    nat       = "none"
    endpoints = false
  }

  expect_failures = [var.nat, var.endpoints]
}

run "no_network" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    cidr = "somewhere"
  }

  expect_failures = [var.cidr]
}

run "a_cidr_that_is_not_the_first_address" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    cidr = "10.20.1.0/16"
  }

  expect_failures = [var.cidr]
}

run "ipv6" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    cidr = "fd00::/16"
  }

  expect_failures = [var.cidr]
}

run "public_addresses" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    cidr = "11.20.0.0/16"
  }

  expect_failures = [var.cidr]
}

run "a_network_too_small" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    cidr = "10.20.0.0/21"
  }

  expect_failures = [var.cidr]
}

run "a_network_too_large" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    cidr = "10.0.0.0/15"
  }

  expect_failures = [var.cidr]
}

run "an_overlap_from_above" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    taken_cidrs = ["10.21.0.0/16", "10.16.0.0/12"]
  }

  expect_failures = [var.cidr]
}

run "an_overlap_from_below" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    taken_cidrs = ["10.20.255.0/24"]
  }

  expect_failures = [var.cidr]
}

run "the_same_network_twice" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    taken_cidrs = ["10.20.0.0/16"]
  }

  expect_failures = [var.cidr]
}

run "a_hub_inside_the_network" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    hub = { transit_gateway_id = "tgw-0123456789abcdef0", cidrs = ["10.20.8.0/24"] }
  }

  expect_failures = [var.cidr]
}

run "more_zones_than_the_region_has" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    zone_count = 4
  }

  expect_failures = [data.aws_availability_zones.this]
}

run "a_hub_that_is_no_transit_gateway" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    hub = { transit_gateway_id = "vpc-0123456789abcdef0", cidrs = ["10.1.0.0/16"] }
  }

  expect_failures = [var.hub]
}

run "a_hub_without_networks" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    hub = { transit_gateway_id = "tgw-0123456789abcdef0", cidrs = [] }
  }

  expect_failures = [var.hub]
}

run "the_world_behind_the_hub" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    hub = { transit_gateway_id = "tgw-0123456789abcdef0", cidrs = ["0.0.0.0/0"] }
  }

  expect_failures = [var.hub]
}
