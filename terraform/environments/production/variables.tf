variable "account_id" {
  type        = string
  nullable    = false
  description = "The account of this environment; the provider refuses to work in any other"
}

variable "region" {
  type        = string
  nullable    = false
  description = "The region of everything but the copies"
}

variable "replica_region" {
  type        = string
  nullable    = false
  description = "The region of the databases' copies where database.copy_days asks for them; another one than region"
}

variable "owner" {
  type        = string
  nullable    = false
  description = "Tag: the team that answers for the environment"
}

variable "cost_centre" {
  type        = string
  nullable    = false
  description = "Tag: who pays for the environment"
}

variable "repository" {
  type        = string
  nullable    = false
  description = "Tag: where this code is kept"
}

# What follows is the platform's, word for word but for its validations: it checks the values itself.

variable "environment" {
  type        = string
  nullable    = false
  description = "Which environment this is: dev, staging or production, whose rules are strict"
}

variable "project" {
  type        = string
  nullable    = false
  default     = "careway"
  description = "Name in pyproject.toml, which the repositories have; first part of every name, the second is the environment"
}

variable "administrators" {
  type        = list(string)
  nullable    = false
  description = "ARNs of the roles of the platform's engineers, who administer the cluster and the keys"
}

variable "services" {
  type = map(object({
    namespace          = string
    team_principals    = list(string)
    secret_key_version = optional(number, 1)
    database = optional(object({
      instance_class    = optional(string)
      allocated_gib     = optional(number)
      max_allocated_gib = optional(number)
    }), {})
  }))
  nullable    = false
  description = "Each service by name, with its namespace, who its team is, and what its database has of its own"
}

variable "network" {
  type = object({
    cidr                    = string
    zone_count              = optional(number, 3)
    nat                     = optional(string, "per_zone")
    endpoints               = optional(bool, true)
    interface_endpoints     = optional(set(string))
    taken_cidrs             = optional(list(string), [])
    clients_cidrs           = optional(list(string))
    flow_log_retention_days = optional(number)
    hub = optional(object({
      transit_gateway_id = string
      cidrs              = list(string)
    }))
  })
  nullable    = false
  description = "The VPC: its range, its zones, its way out, whose range it must not overlap, and the hub it hangs on"
}

variable "registry" {
  type = object({
    pull_principals = optional(list(string), [])
    push_principals = optional(list(string), [])
    keep_versions   = optional(number)
    untagged_days   = optional(number)
    other_arns      = optional(list(string), [])
  })
  nullable    = false
  default     = {}
  description = "Who of other accounts reads and writes image and chart, how many versions stay, and from which repositories of another account this one deploys"
}

variable "cluster" {
  type = object({
    kubernetes_version   = optional(string)
    support_type         = optional(string)
    service_cidr         = optional(string)
    public_access_cidrs  = optional(list(string), [])
    private_access_cidrs = optional(list(string), [])
    viewers              = optional(list(string), [])
    network_policy_mode  = optional(string)
    irsa                 = optional(bool, false)
    addon_versions       = optional(map(string), {})
    log_retention_days   = optional(number)
    node_groups = map(object({
      instance_types = list(string)
      min            = number
      max            = number
      desired        = optional(number)
      ami_type       = optional(string)
      disk_gib       = optional(number)
      capacity_type  = optional(string)
      labels         = optional(map(string))
      taints = optional(list(object({
        key    = string
        value  = optional(string)
        effect = string
      })))
    }))
  })
  nullable    = false
  description = "The cluster: its version, who reaches its API, and its nodes; without public_access_cidrs the API is private"
}

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
}

variable "delivery" {
  type = object({
    connection_arn         = string
    repository             = string
    branch                 = optional(string)
    base_image             = string
    trial_database_image   = string
    build_image            = string
    approval_timeout_hours = optional(number)
  })
  default     = null
  description = "The pipeline of AWS for those who do not deliver from GitHub: its source and its images; null makes none"
}

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
}
