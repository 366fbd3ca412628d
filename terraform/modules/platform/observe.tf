locals {
  telemetry = { for each in ["metrics", "logs", "traces"] : each => var.observability[each] }
  # With nothing to write, the collector has no role either.
  collects = anytrue(values(local.telemetry)) ? local.telemetry : null
}

module "observability" {
  source = "../observability"

  name            = local.name
  services        = keys(var.services)
  logs_key_arn    = module.keys.arns["logs"]
  metrics_key_arn = module.keys.arns["metrics"]
  alerts_key_arn  = module.keys.arns["alerts"]
  metrics         = var.observability.metrics
  metrics_rules   = var.observability.metrics_rules
  logs            = var.observability.logs
  # A setting of the whole account, as the audit's are.
  traces_encryption = var.observability.traces && var.audit.account_wide ? { key_arn = module.keys.arns["metrics"] } : null
  traces            = var.observability.traces
  retention_days    = var.observability.retention_days
  alert_emails      = var.observability.alert_emails
  # A budget is of automate's step, and lives with the topic and the addresses that hear of it.
  budget               = var.observability.budget
  cost_allocation_tags = var.observability.cost_allocation_tags
}
