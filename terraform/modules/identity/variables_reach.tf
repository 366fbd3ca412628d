variable "secrets_key_arn" {
  type        = string
  nullable    = false
  description = "The key that the services' secrets are encrypted with"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.secrets_key_arn))
    error_message = "secrets_key_arn must be the ARN of a KMS key, not of an alias: give the one of the module keys."
  }
}

variable "database_key_arn" {
  type        = string
  default     = null
  description = "The key of the databases and of their masters' secrets, which rotation and backup need"

  validation {
    condition     = var.database_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.database_key_arn))
    error_message = "database_key_arn must be the ARN of a KMS key, not of an alias: give the one of the module keys, or null."
  }
}

variable "registry_arns" {
  type        = list(string)
  nullable    = false
  description = "The repositories that are pushed to and pulled from"

  validation {
    condition     = length(var.registry_arns) > 0
    error_message = "registry_arns must hold at least one repository: give the values of the output arns of the module registry."
  }

  validation {
    condition     = alltrue([for arn in var.registry_arns : can(regex("^arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9/_.-]+$", arn))])
    error_message = "registry_arns must be ARNs of ECR repositories without wildcards: name each repository."
  }
}

variable "collector" {
  type = object({
    metrics = optional(bool, false)
    logs    = optional(bool, false)
    traces  = optional(bool, false)
  })
  default     = null
  description = "What the collector writes: metrics to metrics_workspace_arn, logs to log_group_arns, traces to X-Ray; null makes no role"

  validation {
    condition     = var.collector == null || anytrue(values(coalesce(var.collector, { metrics = true })))
    error_message = "collector must write something: switch metrics, logs or traces on, or give null."
  }

  validation {
    condition     = try(var.collector.metrics, false) == false || var.metrics_workspace_arn != null
    error_message = "collector.metrics needs metrics_workspace_arn: give the workspace, or switch metrics off."
  }

  validation {
    condition     = try(var.collector.logs, false) == false || length(var.log_group_arns) > 0
    error_message = "collector.logs needs log_group_arns: give the groups, or switch logs off."
  }
}

variable "metrics_workspace_arn" {
  type        = string
  default     = null
  description = "The workspace of Amazon Managed Prometheus that the collector writes to"

  validation {
    condition     = var.metrics_workspace_arn == null || can(regex("^arn:aws[a-z-]*:aps:[a-z0-9-]+:[0-9]{12}:workspace/[A-Za-z0-9-]+$", var.metrics_workspace_arn))
    error_message = "metrics_workspace_arn must be the ARN of a workspace of Amazon Managed Prometheus: give the one of the module observability, or null."
  }
}

variable "log_group_arns" {
  type        = list(string)
  nullable    = false
  default     = []
  description = "The log groups that the collector writes to"

  validation {
    condition     = alltrue([for arn in var.log_group_arns : can(regex("^arn:aws[a-z-]*:logs:[a-z0-9-]+:[0-9]{12}:log-group:[A-Za-z0-9/_.#-]+$", arn))])
    error_message = "log_group_arns must be ARNs of log groups without wildcards: name each group, without :* at its end."
  }
}

variable "rotation" {
  type        = bool
  nullable    = false
  default     = false
  description = "Whether each service has a role for a function that rotates its database's password"

  validation {
    condition     = !var.rotation || var.database_key_arn != null
    error_message = "rotation needs database_key_arn: give the key of the masters' secrets, or switch rotation off."
  }

  validation {
    condition     = !var.rotation || alltrue([for each in values(var.services) : each.master_secret_arn != null])
    error_message = "rotation needs the master_secret_arn of every service: give them in services, or switch rotation off."
  }
}

variable "backup" {
  type        = bool
  nullable    = false
  default     = false
  description = "Whether there is a role for plans of AWS Backup over the databases"

  validation {
    condition     = !var.backup || var.database_key_arn != null
    error_message = "backup needs database_key_arn: give the key of the databases, or switch backup off."
  }
}
