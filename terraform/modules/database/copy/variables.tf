variable "source_arn" {
  type        = string
  nullable    = false
  description = "ARN of the database whose backups are copied"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:rds:[a-z0-9-]+:[0-9]{12}:db:", var.source_arn))
    error_message = "source_arn must be the ARN of an RDS instance; take arn of the module database."
  }
}

variable "key_arn" {
  type        = string
  nullable    = false
  description = "KMS key of the copies, in their own region"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.key_arn))
    error_message = "key_arn must be the ARN of a KMS key (not of an alias) in the region of the copies; a key of the database's region does not do."
  }
}

variable "retention_days" {
  type        = number
  nullable    = false
  default     = 7
  description = "Days to any second of which the copies can be restored"

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 35 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number from 1 to 35; AWS keeps no more."
  }
}
