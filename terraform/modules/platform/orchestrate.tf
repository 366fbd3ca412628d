locals {
  team_groups = { for service in keys(var.services) : service => "${service}-team" }
  # Known before the apply, unlike the roles that identity makes.
  deploys = var.identity.hub != null || try(var.identity.github.deploy_environment, null) != null
}

module "cluster" {
  source = "../cluster"

  name                             = local.name
  kubernetes_version               = var.cluster.kubernetes_version
  support_type                     = var.cluster.support_type
  service_cidr                     = var.cluster.service_cidr
  vpc_id                           = module.network.vpc_id
  subnet_ids                       = module.network.private_subnet_ids
  etcd_key_arn                     = module.keys.arns["etcd"]
  disks_key_arn                    = module.keys.arns["disks"]
  logs_key_arn                     = module.keys.arns["logs"]
  public_access_cidrs              = var.cluster.public_access_cidrs
  private_access_cidrs             = var.cluster.private_access_cidrs
  administrators                   = var.administrators
  viewers                          = var.cluster.viewers
  network_policy_mode              = var.cluster.network_policy_mode
  addon_versions                   = var.cluster.addon_versions
  irsa                             = var.cluster.irsa
  control_plane_log_retention_days = var.cluster.log_retention_days
  tags                             = var.tags

  node_groups = {
    for group, each in var.cluster.node_groups : group => merge(each, { desired = coalesce(each.desired, each.min) })
  }

  # The group is what the chart's Role is bound to: team.subjects of its values.
  team_roles = {
    for service, each in var.services : service => {
      role_arn         = module.identity.team_role_arns[service]
      kubernetes_group = local.team_groups[service]
      namespaces       = [each.namespace]
    }
  }

  deployers = {
    for role in local.deploys ? ["deploy"] : [] : role => {
      role_arn         = module.identity.roles[role]
      kubernetes_group = "deployers"
      namespaces       = [for each in values(var.services) : each.namespace]
    }
  }
}

# Load balancers ask the pods themselves, so the rule names their port and not a node's.
resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  security_group_id            = module.cluster.cluster_security_group_id
  referenced_security_group_id = module.network.load_balancer_security_group_id
  description                  = "Load balancers to the pods of the services"
  ip_protocol                  = "tcp"
  from_port                    = 8000
  to_port                      = 8000
}
