# What the whole environment is. The rest stands beside its step: variables_build.tf and so on.

variable "environment" {
  type        = string
  nullable    = false
  description = "Which environment this is: dev, staging or production, whose rules are strict"

  validation {
    condition     = contains(["dev", "staging", "production"], var.environment)
    error_message = "environment must be dev, staging or production: choose the one whose rules fit, since a name of your own would have none."
  }
}

variable "project" {
  type        = string
  nullable    = false
  default     = "careway"
  description = "Name in pyproject.toml, which the repositories have; first part of every name, the second is the environment"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,17}[a-z0-9]$", var.project)) && !strcontains(var.project, "--")
    error_message = "project must have 3 to 19 lower-case letters, digits or single hyphens, begin with a letter and not end with a hyphen: shorten it, since AWS bounds the names built on it."
  }
}

variable "administrators" {
  type        = list(string)
  nullable    = false
  description = "ARNs of the roles of the platform's engineers, who administer the cluster and the keys"

  validation {
    condition     = length(var.administrators) > 0
    error_message = "administrators must name a role: give the ARN of your engineers' role, since nobody else could reach the cluster."
  }

  validation {
    condition     = alltrue([for arn in var.administrators : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*]+$", arn))])
    error_message = "administrators must be ARNs of roles without a wildcard: write each out, arn:aws:iam::111122223333:role/engineers."
  }
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

  validation {
    condition     = length(var.services) > 0
    error_message = "services must hold at least one: give its name, its namespace and its team."
  }

  validation {
    condition     = alltrue([for name in keys(var.services) : can(regex("^[a-z][a-z0-9]{1,19}$", name))])
    error_message = "services must have names of 2 to 20 lower-case letters and digits, beginning with a letter: give the name of the Python package, which the chart's service is too."
  }

  validation {
    condition     = alltrue([for each in values(var.services) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", each.namespace))])
    error_message = "services must have namespaces that Kubernetes takes: at most 63 lower-case letters, digits and hyphens, neither first nor last a hyphen."
  }

  validation {
    condition     = length(distinct([for each in values(var.services) : each.namespace])) == length(var.services)
    error_message = "services must have a namespace each: give every service its own, since the rights of a team end where its namespace ends."
  }

  validation {
    condition     = alltrue([for each in values(var.services) : length(each.team_principals) > 0])
    error_message = "services must have a team each: name in team_principals who may act as the service's team, at least one ARN."
  }

  validation {
    condition = alltrue(flatten([for each in values(var.services) : [
      for arn in each.team_principals : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))
    ]]))
    error_message = "services must have team_principals that are ARNs of roles: write each out, without a wildcard, since * would be everybody and a user has a key."
  }
}

variable "tags" {
  type        = map(string)
  nullable    = false
  default     = {}
  description = "Tags of what AWS makes for us, such as nodes and their disks, to which the provider's default tags do not come"
}
