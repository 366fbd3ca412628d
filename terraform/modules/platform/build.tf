# What all else stands on: names, the network, the keys and the registry.
locals {
  name = "${var.project}-${var.environment}"
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

module "keys" {
  source = "../keys"

  name           = local.name
  administrators = var.administrators
  purposes = concat(
    ["etcd", "disks", "secrets", "database", "registry", "logs", "audit", "metrics", "alerts"],
    var.delivery == null ? [] : ["delivery"],
  )
}

module "network" {
  source = "../network"

  name                    = local.name
  cluster_name            = local.name
  cidr                    = var.network.cidr
  zone_count              = var.network.zone_count
  nat                     = var.network.nat
  endpoints               = var.network.endpoints
  interface_endpoints     = var.network.interface_endpoints
  hub                     = var.network.hub
  taken_cidrs             = var.network.taken_cidrs
  clients_cidrs           = var.network.clients_cidrs
  logs_key_arn            = module.keys.arns["logs"]
  flow_log_retention_days = var.network.flow_log_retention_days
}

module "registry" {
  source = "../registry"

  name = local.name
  # As `make publish` calls them, after the name in pyproject.toml.
  repositories    = [var.project, "charts/${var.project}"]
  key_arn         = module.keys.arns["registry"]
  pull_principals = var.registry.pull_principals
  push_principals = var.registry.push_principals
  keep_versions   = var.registry.keep_versions
  untagged_days   = var.registry.untagged_days
}
