variable "name" {
  type        = string
  nullable    = false
  description = "Prefix of every name, the environment's own, such as careway-dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,28}[a-z0-9]$", var.name))
    error_message = "name must have 4 to 30 lower-case letters, digits or hyphens, begin with a letter and not end with a hyphen: choose one such as careway-dev."
  }
}

variable "audit_key_arn" {
  type        = string
  nullable    = false
  description = "ARN of the key that encrypts the buckets, with the purpose audit"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.audit_key_arn))
    error_message = "audit_key_arn must be the ARN of a KMS key, not an alias: give arns[\"audit\"] of the module keys."
  }
}

variable "logs_key_arn" {
  type        = string
  nullable    = false
  description = "ARN of the key that encrypts the log group, with the purpose logs"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.logs_key_arn))
    error_message = "logs_key_arn must be the ARN of a KMS key, not an alias: give arns[\"logs\"] of the module keys."
  }
}

variable "alerts_topic_arn" {
  type        = string
  nullable    = false
  description = "ARN of the SNS topic that hears of alarms and findings; its policy must let CloudWatch and EventBridge publish"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", var.alerts_topic_arn))
    error_message = "alerts_topic_arn must be the ARN of an SNS topic: give alerts_topic_arn of the module observability."
  }
}

variable "retention_days" {
  type        = number
  nullable    = false
  default     = 2190
  description = "Days for which the buckets keep what was recorded; six years unless told otherwise"

  validation {
    condition     = var.retention_days >= 30 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number of at least 30: raise it, since an intrusion is often found weeks afterwards."
  }
}

variable "object_lock_days" {
  type        = number
  nullable    = false
  default     = 0
  description = "Days for which no object of the trail can be deleted; 0 makes the bucket without object lock"

  validation {
    condition     = var.object_lock_days >= 0 && floor(var.object_lock_days) == var.object_lock_days
    error_message = "object_lock_days must be a whole number of days, or 0 for none: correct it."
  }

  validation {
    condition     = var.object_lock_days <= var.retention_days
    error_message = "object_lock_days must not exceed retention_days: lower it or keep the trail longer, since what is locked cannot expire."
  }
}

variable "object_lock_mode" {
  type        = string
  nullable    = false
  default     = "GOVERNANCE"
  description = "GOVERNANCE, which a role with s3:BypassGovernanceRetention may lift, or COMPLIANCE, which nobody may"

  validation {
    condition     = contains(["GOVERNANCE", "COMPLIANCE"], var.object_lock_mode)
    error_message = "object_lock_mode must be GOVERNANCE or COMPLIANCE: choose COMPLIANCE only where the law asks for it, since it binds the account too."
  }
}

variable "log_retention_days" {
  type        = number
  nullable    = false
  default     = 365
  description = "Days for which CloudWatch keeps the trail for searching; the bucket keeps it longer"

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a period that CloudWatch Logs offers, from 30 days: choose one such as 90, 180 or 365."
  }
}

variable "watched_bucket_arns" {
  type        = list(string)
  nullable    = false
  default     = []
  description = "ARNs of further buckets whose reads and writes the trail records, such as the one of Terraform's state"

  validation {
    condition     = alltrue([for arn in var.watched_bucket_arns : can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]+$", arn))])
    error_message = "watched_bucket_arns must be ARNs of buckets without a path or wildcard: write each as arn:aws:s3:::name."
  }
}

variable "force_destroy" {
  type        = bool
  nullable    = false
  default     = false
  description = "Whether destroying the environment deletes its buckets with all that was recorded; for trials alone"
}
