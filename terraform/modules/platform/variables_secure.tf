variable "database" {
  type = object({
    instance_class            = string
    allocated_gib             = number
    max_allocated_gib         = number
    multi_az                  = bool
    deletion_protection       = bool
    backup_days               = number
    final_snapshot            = optional(bool, true)
    copy_days                 = optional(number, 0)
    engine_version            = optional(string)
    backup_window             = optional(string)
    maintenance_window        = optional(string)
    performance_insights      = optional(bool)
    monitoring_seconds        = optional(number)
    iam_authentication        = optional(bool)
    log_retention_days        = optional(number)
    parameters                = optional(map(string))
    apply_immediately         = optional(bool)
    performance_insights_days = optional(number)
    ca_certificate_identifier = optional(string)
  })
  nullable    = false
  description = "The database that each service has; copy_days above 0 keeps its backups in the replica's region too"

  validation {
    condition     = var.environment != "production" || var.database.multi_az
    error_message = "database.multi_az must be true in production: set it, since with one zone a failure takes the records away for hours."
  }

  validation {
    condition     = var.environment != "production" || var.database.deletion_protection
    error_message = "database.deletion_protection must be true in production: set it, since a plan that replaces the database would delete patients' records."
  }

  validation {
    condition     = var.environment != "production" || var.database.final_snapshot
    error_message = "database.final_snapshot must be true in production: set it, since it is what remains of a database that is deleted."
  }

  validation {
    condition     = var.database.backup_days >= (var.environment == "production" ? 7 : 1) && var.database.backup_days <= 35
    error_message = "database.backup_days must be from 1 to 35, in production at least 7: choose how far back the database can be set."
  }

  validation {
    condition     = var.database.copy_days >= 0 && var.database.copy_days <= 35
    error_message = "database.copy_days must be from 1 to 35, or 0 for no copy in another region: choose one of them."
  }
}

variable "secret_keys" {
  type        = map(string)
  ephemeral   = true
  sensitive   = true
  nullable    = false
  description = "The secret key of each service: ephemeral, so in no plan and no state, and written when its secret_key_version rises"

  validation {
    condition     = length(setsubtract(keys(var.services), keys(var.secret_keys))) == 0
    error_message = "secret_keys must hold a key for each of services: make it as environments/ does, by an ephemeral resource."
  }
}

variable "secrets" {
  type = object({
    recovery_days = optional(number)
    managers      = optional(list(string), [])
    rotation      = optional(string, "none")
    rotation_days = optional(number)
  })
  nullable    = false
  default     = {}
  description = "The secrets: who beside the administrators runs Terraform and may manage them, and which function rotates (none, aws or own)"

  validation {
    condition     = contains(["none", "aws", "own"], var.secrets.rotation)
    error_message = "secrets.rotation must be none, aws (AWS's function, once the first passwords are written) or own (roles for a function that you bring): choose one."
  }

  validation {
    condition = var.secrets.rotation != "aws" || !var.network.endpoints || (
      try(length(setintersection(var.network.interface_endpoints, ["rds", "secretsmanager"])) == 2, false)
    )
    error_message = "secrets.rotation aws needs the interface endpoints rds and secretsmanager: name both, with the others, in network.interface_endpoints, since the function reaches nothing else."
  }
}

variable "identity" {
  type = object({
    permissions_boundary_arn = optional(string)
    team_account_ids         = optional(list(string))
    team_mfa                 = optional(bool)
    team_session_hours       = optional(number)
    backup                   = optional(bool)
    hub = optional(object({
      account_id      = string
      role_names      = list(string)
      external_id     = optional(string)
      organization_id = optional(string)
    }))
    github = optional(object({
      provider_arn        = string
      repository          = string
      publish_environment = optional(string)
      deploy_environment  = optional(string)
    }))
  })
  nullable    = false
  default     = {}
  description = "Who acts from elsewhere: the hub account's roles, the workflows of a GitHub repository, and the accounts where teams log in"
}

variable "audit" {
  type = object({
    account_wide        = optional(bool, true)
    guardduty           = optional(bool, true)
    config              = optional(bool, true)
    object_lock_days    = optional(number, 0)
    object_lock_mode    = optional(string)
    retention_days      = optional(number, 2190)
    alarms_off          = optional(set(string))
    config_rules_off    = optional(set(string))
    watched_bucket_arns = optional(list(string))
    force_destroy       = optional(bool, false)
  })
  nullable    = false
  default     = {}
  description = "The trail of who did what, and what exists once an account: account_wide is for one environment of each"

  validation {
    condition     = var.environment != "production" || var.audit.object_lock_days > 0
    error_message = "audit.object_lock_days must be above 0 in production: set it to the days for which nobody, administrators included, may delete the trail."
  }

  validation {
    condition     = var.environment != "production" || var.audit.retention_days >= 365
    error_message = "audit.retention_days must be at least 365 in production: raise it, since who read a record is asked long afterwards."
  }

  validation {
    condition     = var.environment != "production" || !var.audit.force_destroy
    error_message = "audit.force_destroy must be false in production: leave it out, since the trail has to outlive what it tells of."
  }

  validation {
    condition     = var.environment != "production" || (var.audit.guardduty && var.audit.account_wide)
    error_message = "audit.guardduty and audit.account_wide must be true in production: set them, so that an attack on the cluster is noticed."
  }
}
