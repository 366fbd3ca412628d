variable "team_principals" {
  type        = map(list(string))
  nullable    = false
  description = "For each service, the roles whose holders are its team"

  validation {
    condition     = toset(keys(var.team_principals)) == toset(keys(var.services))
    error_message = "team_principals must name each of the services and no other: give every service its team."
  }

  validation {
    condition     = alltrue([for principals in values(var.team_principals) : length(principals) > 0])
    error_message = "team_principals must not be empty for a service: name at least one role, since else nobody could look at it in an incident."
  }

  validation {
    condition     = alltrue([for arn in flatten(values(var.team_principals)) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "team_principals must be ARNs of roles: no wildcard, no account's root, and no user, who would have a key that lives long."
  }

  validation {
    condition = alltrue([for arn in flatten(values(var.team_principals)) :
      contains(concat([local.account], var.team_account_ids), split(":", arn)[4]) if length(split(":", arn)) > 4
    ])
    error_message = "team_principals must be of this account or of one of team_account_ids: add the account there, if its roles are to be trusted."
  }
}

variable "team_account_ids" {
  type        = list(string)
  nullable    = false
  default     = []
  description = "Other accounts whose roles may be in a team, such as the one where people log in"

  validation {
    condition     = alltrue([for id in var.team_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "team_account_ids must be accounts' numbers of 12 digits: give each in quotes, with its leading zeros."
  }
}

variable "team_mfa" {
  type        = bool
  nullable    = false
  default     = false
  description = "Whether a team's role asks for a session with MFA of IAM; sessions of IAM Identity Center never have one, since it asks by itself"
}

variable "team_session_hours" {
  type        = number
  nullable    = false
  default     = 1
  description = "Longest session of a team's role in hours, from 1 to 8"

  validation {
    condition     = var.team_session_hours >= 1 && var.team_session_hours <= 8 && floor(var.team_session_hours) == var.team_session_hours
    error_message = "team_session_hours must be a whole number from 1 to 8: choose a working day at most."
  }
}

variable "hub" {
  type = object({
    account_id      = string
    role_names      = list(string)
    external_id     = optional(string)
    organization_id = optional(string)
  })
  default     = null
  description = "The account that deploys into this one: its roles, and the external id or the organization that they have to show; null where nobody does"

  validation {
    condition     = can(regex("^[0-9]{12}$", var.hub.account_id)) || var.hub == null
    error_message = "hub.account_id must be an account's number of 12 digits: give it in quotes, with its leading zeros."
  }

  validation {
    condition     = try(length(var.hub.role_names) > 0 && alltrue([for role in var.hub.role_names : can(regex("^[A-Za-z0-9+=,.@_/-]+$", role))]), var.hub == null)
    error_message = "hub.role_names must name at least one role, without wildcards: an account as a whole is never trusted."
  }

  validation {
    condition     = var.hub == null || try(var.hub.external_id, null) != null || try(var.hub.organization_id, null) != null
    error_message = "hub needs external_id or organization_id: give what the hub's roles have to show, so that nobody else makes them come here."
  }

  validation {
    condition     = try(var.hub.external_id, null) == null || try(length(var.hub.external_id) >= 2 && length(var.hub.external_id) <= 1224 && can(regex("^[A-Za-z0-9+=,.@:/_-]+$", var.hub.external_id)), false)
    error_message = "hub.external_id must have 2 to 1224 letters, digits and +=,.@:/_-: choose a UUID."
  }

  validation {
    condition     = try(var.hub.organization_id, null) == null || can(regex("^o-[a-z0-9]{10,32}$", var.hub.organization_id))
    error_message = "hub.organization_id must be the id of an organization, o-…: give the one that both accounts are in."
  }
}

variable "github" {
  type = object({
    provider_arn        = string
    repository          = string
    publish_environment = optional(string)
    deploy_environment  = optional(string)
  })
  default     = null
  description = "The repository of GitHub whose workflows publish and deploy, each from one environment, and the OIDC provider that the bootstrap made; null where none does"

  validation {
    condition     = var.github == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[A-Za-z0-9./_-]+$", var.github.provider_arn))
    error_message = "github.provider_arn must be the ARN of an OIDC provider of IAM: give the one that the bootstrap made."
  }

  validation {
    condition     = var.github == null || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "github.repository must be OWNER/NAME without wildcards: name the one repository that may."
  }

  validation {
    condition = var.github == null || alltrue([
      for environment in compact([try(var.github.publish_environment, null), try(var.github.deploy_environment, null)]) : can(regex("^[A-Za-z0-9._-]+$", environment))
    ])
    error_message = "github.publish_environment and github.deploy_environment must be names of letters, digits and ._- without wildcards: rename the environment, if need be."
  }

  validation {
    condition     = var.github == null || try(var.github.publish_environment, null) != null || try(var.github.deploy_environment, null) != null
    error_message = "github needs publish_environment or deploy_environment: name what the workflows may do from, or give null."
  }
}
