variable "name" {
  type        = string
  nullable    = false
  default     = "careway"
  description = "Prefix of every name, the project's own: an environment is called NAME-ENVIRONMENT"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,17}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 19 lower-case letters, digits or hyphens, begin with a letter and not end with a hyphen: choose one such as careway."
  }
}

variable "region" {
  type        = string
  default     = null
  description = "Region of the state; null takes the one of the shell, AWS_REGION or the profile's"

  validation {
    condition     = var.region == null || can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the code of a region, such as eu-central-1: correct it, or leave it out to take the shell's."
  }
}

variable "tags" {
  type        = map(string)
  nullable    = false
  default     = {}
  description = "Tags beside Project and ManagedBy on everything, such as CostCentre and Owner"
}

variable "environments" {
  type        = list(string)
  nullable    = false
  default     = ["dev", "staging", "production"]
  description = "Environments of this account, for each of which CI has a role to plan and one to apply"

  validation {
    condition     = length(var.environments) > 0 && length(distinct(var.environments)) == length(var.environments)
    error_message = "environments must name at least one environment, and each once: write those that live in this account."
  }

  validation {
    condition     = alltrue([for environment in var.environments : contains(["dev", "staging", "production"], environment)])
    error_message = "environments must be among dev, staging and production: those are the folders below environments/."
  }
}

variable "github" {
  type = object({
    repository = string
  })
  default     = null
  description = "Repository whose workflows run Terraform, as ORGANIZATION/REPOSITORY; null gives no role to CI"

  validation {
    condition     = var.github == null || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "github.repository must be ORGANIZATION/REPOSITORY without a wildcard: a pattern would let other repositories into the account."
  }
}

variable "github_oidc" {
  type        = bool
  nullable    = false
  default     = true
  description = "Whether to make GitHub's identity provider, which exists once an account; false takes the one that is there"
}

variable "service_linked_roles" {
  type        = set(string)
  nullable    = false
  default     = ["autoscaling.amazonaws.com"]
  description = "Services whose own role is made now, since a key policy names it; empty where the account has them"

  validation {
    condition     = alltrue([for service in var.service_linked_roles : can(regex("^[a-z0-9.-]+\\.amazonaws\\.com(\\.cn)?$", service))])
    error_message = "service_linked_roles must be names of services such as autoscaling.amazonaws.com: correct them."
  }
}

variable "state_version_days" {
  type        = number
  nullable    = false
  default     = 90
  description = "Days for which a replaced version of the state can be fetched back"

  validation {
    condition     = var.state_version_days >= 30 && floor(var.state_version_days) == var.state_version_days
    error_message = "state_version_days must be a whole number of at least 30: raise it, since a damaged state is often found late."
  }
}
