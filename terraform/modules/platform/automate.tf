module "delivery" {
  source = "../delivery"
  count  = var.delivery == null ? 0 : 1

  name = local.name
  pipeline = merge(var.delivery, {
    approval_topic_arn = module.observability.alerts_topic_arn
    approval_key_arn   = module.keys.arns["alerts"]
  })
  registry_host            = module.registry.host
  registry_arns            = values(module.registry.arns)
  key_arn                  = module.keys.arns["delivery"]
  logs_key_arn             = module.keys.arns["logs"]
  permissions_boundary_arn = var.identity.permissions_boundary_arn
}
