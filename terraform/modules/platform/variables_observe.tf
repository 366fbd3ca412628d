variable "observability" {
  type = object({
    metrics              = optional(bool, true)
    logs                 = optional(bool, true)
    traces               = optional(bool, true)
    retention_days       = optional(number, 90)
    alert_emails         = optional(set(string), [])
    metrics_rules        = optional(map(string), {})
    cost_allocation_tags = optional(set(string), [])
    budget = optional(object({
      monthly_limit_usd = number
      emails            = optional(set(string), [])
      tag               = optional(object({ key = string, value = string }))
    }))
  })
  nullable    = false
  default     = {}
  description = "Where the collector sends to, who hears of alerts, and what the environment may cost a month"

  validation {
    condition     = var.environment != "production" || length(var.observability.alert_emails) > 0
    error_message = "observability.alert_emails must name somebody in production: give the address of who is on call, since an alert that nobody reads is none."
  }

  validation {
    condition     = var.environment != "production" || var.observability.budget != null
    error_message = "observability.budget must be set in production: give monthly_limit_usd and emails, so that a cost that runs away is heard of."
  }
}
