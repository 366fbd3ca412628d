output "services" {
  description = "What the release of each service has to know: its database, its secrets, its team and its log group"

  value = {
    for service, each in var.services : service => {
      namespace     = each.namespace
      team_group    = local.team_groups[service]
      team_role_arn = module.identity.team_role_arns[service]
      log_group     = lookup(module.observability.log_group_names, service, null)
      database = {
        host = module.database[service].host
        port = module.database[service].port
        name = module.database[service].database
        # For who makes its users: modules/secrets.
        master_secret_arn = module.database[service].master_secret_arn
        first_value       = module.secrets[service].database_first_value
      }
      secrets = {
        secret_key      = module.secrets[service].service_secret_name
        database        = module.secrets[service].database_secret_name
        via             = local.secrets_via
        reader_role_arn = module.identity.reader_role_arns[service]
      }
    }
  }
}

output "platform" {
  description = "What every release has to know: the account, the registry, the cluster and the ranges of the network"

  value = {
    name                            = local.name
    environment                     = var.environment
    account_id                      = data.aws_caller_identity.current.account_id
    region                          = data.aws_region.current.name
    registry_host                   = module.registry.host
    image_repository                = module.registry.urls[var.project]
    chart_repository                = module.registry.urls["charts/${var.project}"]
    cluster_name                    = module.cluster.name
    oidc_issuer_url                 = module.cluster.oidc_issuer_url
    vpc_id                          = module.network.vpc_id
    public_cidrs                    = module.network.public_subnet_cidrs
    private_cidrs                   = module.network.private_subnet_cidrs
    isolated_cidrs                  = module.network.isolated_subnet_cidrs
    nat_public_ips                  = module.network.nat_public_ips
    endpoint_cidrs                  = module.network.endpoint_cidrs
    load_balancer_security_group_id = module.network.load_balancer_security_group_id
    metrics_remote_write_url        = module.observability.metrics_remote_write_url
    metrics_query_url               = module.observability.metrics_query_url
  }
}

output "roles" {
  value       = module.identity.roles
  description = "Each role by name, for the workflows of the repository and for the controllers of the cluster"
}

output "database_copies" {
  value       = { for service, copy in module.database_copy : service => copy.arn }
  description = "Of each service's database, the backups in the replica's region, from which it can be restored there"
}
