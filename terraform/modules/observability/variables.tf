variable "name" {
  description = "Prefix of every name, such as careway-dev"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,28}[a-z0-9]$", var.name))
    error_message = "The variable name must be 4 to 30 small letters, digits and hyphens, begin with a letter and not end with a hyphen: choose one such as careway-dev."
  }
}

variable "services" {
  description = "Services that send logs and traces"
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.services) > 0 && alltrue([for service in var.services : can(regex("^[a-z][a-z0-9-]{0,29}$", service))])
    error_message = "The variable services must name at least one service, each in up to 30 small letters, digits and hyphens with a letter first, as in genomics."
  }

  validation {
    condition     = !var.traces || alltrue([for service in var.services : length("${var.name}-${service}") <= 32])
    error_message = "The variable services must hold names that make no more than 32 characters together with name and a hyphen, X-Ray's limit: shorten one of them, or set traces to false."
  }
}

variable "metrics" {
  description = "Whether metrics go to a workspace of Amazon Managed Service for Prometheus"
  type        = bool
  default     = false
  nullable    = false
}

variable "metrics_key_arn" {
  description = "KMS key that encrypts the metrics; null leaves them to a key of AWS"
  type        = string
  default     = null

  validation {
    condition     = var.metrics_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.metrics_key_arn))
    error_message = "The variable metrics_key_arn must be the ARN of a KMS key, as the module keys gives for the purpose metrics, or null."
  }
}

variable "metrics_rules" {
  description = "Files of Prometheus rules by name, in YAML, that the workspace evaluates"
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for rules in values(var.metrics_rules) : can(yamldecode(rules).groups[0].name)])
    error_message = "The variable metrics_rules must hold YAML with at least one entry below groups, as Prometheus reads it: pass files by file(\"….yaml\")."
  }

  validation {
    condition     = length(var.metrics_rules) == 0 || var.metrics
    error_message = "The variable metrics_rules needs a workspace to evaluate them: set metrics to true, or leave the rules out."
  }
}

variable "logs" {
  description = "Whether each service gets a log group of CloudWatch Logs for the collector to write to"
  type        = bool
  default     = true
  nullable    = false
}

variable "logs_key_arn" {
  description = "KMS key that encrypts the log groups"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.logs_key_arn))
    error_message = "The variable logs_key_arn must be the ARN of a KMS key: take it from the module keys, purpose logs."
  }
}

variable "retention_days" {
  description = "Days that logs are kept"
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition = contains([
      1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
    ], var.retention_days)
    error_message = "The variable retention_days must be a number of days that CloudWatch Logs knows, such as 30, 90, 365 or 3653."
  }
}

variable "traces" {
  description = "Whether traces go to X-Ray"
  type        = bool
  default     = false
  nullable    = false
}

variable "traces_encryption" {
  description = "KMS key that encrypts the traces of the whole account and region; null leaves that setting alone"
  type        = object({ key_arn = string })
  default     = null

  validation {
    condition     = var.traces_encryption == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.traces_encryption.key_arn))
    error_message = "The variable traces_encryption must hold the ARN of a KMS key in key_arn, or be null."
  }
}

variable "alerts_key_arn" {
  description = "KMS key that encrypts the alerts on their way"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.alerts_key_arn))
    error_message = "The variable alerts_key_arn must be the ARN of a KMS key: take it from the module keys, purpose alerts."
  }
}

variable "alert_emails" {
  description = "Addresses that alerts are sent to, each after a click on the link in AWS's first message"
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "The variable alert_emails must hold addresses such as on-call@example.org."
  }
}

variable "budget" {
  description = "Monthly budget in US dollars, who hears of it beside the alerts, and the one tag whose cost counts (null: the whole account)"
  type = object({
    monthly_limit_usd = number
    emails            = optional(set(string), [])
    tag               = optional(object({ key = string, value = string }))
  })
  default = null

  validation {
    condition     = var.budget == null ? true : var.budget.monthly_limit_usd > 0
    error_message = "The variable budget must have a monthly_limit_usd above 0: write what a month may cost, or null for no budget."
  }

  validation {
    condition = var.budget == null ? true : length(var.budget.emails) <= 10 && alltrue([
      for email in var.budget.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))
    ])
    error_message = "The variable budget must list in emails at most ten addresses such as finance@example.org, as many as AWS takes: write to a mailing list if there are more."
  }
}

variable "cost_allocation_tags" {
  description = "Tags to switch on for the bill, such as Project and Environment; only in the account that pays"
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for tag in var.cost_allocation_tags : length(tag) > 0 && length(tag) <= 128 && !startswith(tag, "aws:")])
    error_message = "The variable cost_allocation_tags must hold keys of our own tags, up to 128 characters: those that begin with aws: are switched on in the console."
  }
}
