locals {
  # The chart's own SecretStore needs IRSA; without it the store names the role, and the controller takes it.
  secrets_via = var.cluster.irsa ? "irsa" : "pod-identity"

  # Said here and not asked of the module secrets, which itself waits for the roles that read these paths.
  secret_paths = { for service in keys(var.services) : service => "${local.name}/${service}" }
  secret_path_arns = { for service, path in local.secret_paths : service => join(":", [
    "arn", data.aws_partition.current.partition, "secretsmanager", data.aws_region.current.name,
    data.aws_caller_identity.current.account_id, "secret", "${path}/*",
  ]) }
}

module "database" {
  source   = "../database"
  for_each = var.services

  name                      = local.name
  service                   = each.key
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.isolated_subnet_ids
  client_security_group_ids = [module.cluster.cluster_security_group_id]
  key_arn                   = module.keys.arns["database"]
  logs_key_arn              = module.keys.arns["logs"]
  engine_version            = var.database.engine_version
  instance_class            = coalesce(each.value.database.instance_class, var.database.instance_class)
  allocated_gib             = coalesce(each.value.database.allocated_gib, var.database.allocated_gib)
  max_allocated_gib         = coalesce(each.value.database.max_allocated_gib, var.database.max_allocated_gib)
  multi_az                  = var.database.multi_az
  deletion_protection       = var.database.deletion_protection
  final_snapshot            = var.database.final_snapshot
  backup_days               = var.database.backup_days
  backup_window             = var.database.backup_window
  maintenance_window        = var.database.maintenance_window
  performance_insights      = var.database.performance_insights
  monitoring_seconds        = var.database.monitoring_seconds
  iam_authentication        = var.database.iam_authentication
  log_retention_days        = var.database.log_retention_days
  parameters                = var.database.parameters
  apply_immediately         = var.database.apply_immediately
  performance_insights_days = var.database.performance_insights_days
  ca_certificate_identifier = var.database.ca_certificate_identifier
}

# A backup in another region is encrypted by a key of that region.
module "replica_keys" {
  source = "../keys"
  count  = var.database.copy_days > 0 ? 1 : 0

  providers = { aws = aws.replica }

  name           = local.name
  purposes       = ["database"]
  administrators = var.administrators
}

module "database_copy" {
  source   = "../database/copy"
  for_each = var.database.copy_days > 0 ? var.services : {}

  providers = { aws = aws.replica }

  source_arn     = module.database[each.key].arn
  key_arn        = module.replica_keys[0].arns["database"]
  retention_days = var.database.copy_days
}

module "secrets" {
  source   = "../secrets"
  for_each = var.services

  name               = local.name
  service            = each.key
  path               = local.secret_paths[each.key]
  key_arn            = module.keys.arns["secrets"]
  logs_key_arn       = module.keys.arns["logs"]
  recovery_days      = var.secrets.recovery_days
  secret_key         = var.secret_keys[each.key]
  secret_key_version = each.value.secret_key_version
  reader_role_arns   = [module.identity.reader_role_arns[each.key]]
  rotator_role_arns  = compact([lookup(module.identity.rotation_role_arns, each.key, null)])
  manager_arns       = concat(var.administrators, var.secrets.managers)
  rotation           = var.secrets.rotation == "aws"
  rotation_days      = var.secrets.rotation_days

  database = {
    host     = module.database[each.key].host
    port     = module.database[each.key].port
    database = module.database[each.key].database
  }

  master_secret = {
    arn     = module.database[each.key].master_secret_arn
    key_arn = module.keys.arns["database"]
  }

  rotation_network = {
    vpc_id                     = module.network.vpc_id
    subnet_ids                 = module.network.private_subnet_ids
    endpoint_cidrs             = module.network.endpoint_cidrs
    database_security_group_id = module.database[each.key].security_group_id
  }
}

# AWS's function speaks to the database too. The rule stands here, since each of the two modules would wait for the other.
resource "aws_vpc_security_group_ingress_rule" "rotation" {
  for_each = var.secrets.rotation == "aws" ? var.services : {}

  security_group_id            = module.database[each.key].security_group_id
  referenced_security_group_id = module.secrets[each.key].rotation_security_group_id
  description                  = "The function that rotates the password of ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = module.database[each.key].port
  to_port                      = module.database[each.key].port
}

module "identity" {
  source = "../identity"

  name                     = local.name
  cluster_name             = module.cluster.name
  cluster_arn              = module.cluster.arn
  oidc_provider_arn        = module.cluster.oidc_provider_arn
  oidc_issuer_url          = module.cluster.oidc_issuer_url
  vpc_id                   = module.network.vpc_id
  secrets_key_arn          = module.keys.arns["secrets"]
  database_key_arn         = module.keys.arns["database"]
  registry_arns            = concat(values(module.registry.arns), var.registry.other_arns)
  collector                = local.collects
  metrics_workspace_arn    = module.observability.metrics_workspace_arn
  log_group_arns           = module.observability.log_group_arns
  team_principals          = { for service, each in var.services : service => each.team_principals }
  team_account_ids         = var.identity.team_account_ids
  team_mfa                 = var.identity.team_mfa
  team_session_hours       = var.identity.team_session_hours
  permissions_boundary_arn = var.identity.permissions_boundary_arn
  rotation                 = var.secrets.rotation == "own"
  backup                   = var.identity.backup
  hub                      = var.identity.hub
  github                   = var.identity.github

  services = {
    for service, each in var.services : service => {
      namespace         = each.namespace
      secret_path_arn   = local.secret_path_arns[service]
      secrets_via       = local.secrets_via
      master_secret_arn = module.database[service].master_secret_arn
    }
  }
}

module "audit" {
  source = "../audit"

  name                = local.name
  audit_key_arn       = module.keys.arns["audit"]
  logs_key_arn        = module.keys.arns["logs"]
  alerts_topic_arn    = module.observability.alerts_topic_arn
  account_wide        = var.audit.account_wide
  guardduty           = var.audit.guardduty
  config              = var.audit.config
  object_lock_days    = var.audit.object_lock_days
  object_lock_mode    = var.audit.object_lock_mode
  alarms_off          = var.audit.alarms_off
  config_rules_off    = var.audit.config_rules_off
  watched_bucket_arns = var.audit.watched_bucket_arns
  force_destroy       = var.audit.force_destroy
  retention_days      = var.audit.retention_days
}
