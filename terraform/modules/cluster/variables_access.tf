variable "administrators" {
  type        = list(string)
  description = "ARNs of the roles that may do everything in the cluster; known before apply"
  nullable    = false

  validation {
    condition     = length(var.administrators) > 0
    error_message = "administrators is empty, and whoever creates the cluster gets no access by that: name one role at least."
  }

  validation {
    condition     = alltrue([for arn in var.administrators : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "administrators holds ARNs of IAM roles, no users, no sessions and no wildcard: write them like arn:aws:iam::111122223333:role/platform."
  }
}

variable "viewers" {
  type        = list(string)
  description = "ARNs of the roles that may look at everything but Secrets; known before apply"
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.viewers : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "viewers holds ARNs of IAM roles, no users, no sessions and no wildcard: write them like arn:aws:iam::111122223333:role/on-call."
  }
}

variable "team_roles" {
  type = map(object({
    role_arn         = string
    kubernetes_group = string
    namespaces       = list(string)
    view             = optional(bool, false)
  }))
  description = "Roles of teams: the group that the chart's Role names, their namespaces, and whether EKS itself lets them look there too"
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for role in var.team_roles : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", role.role_arn))])
    error_message = "team_roles has role_arn of IAM roles, no users, no sessions and no wildcard: write them like arn:aws:iam::111122223333:role/genomics-team."
  }

  # EKS refuses the prefixes, and system:masters would be a back door.
  validation {
    condition     = alltrue([for role in var.team_roles : can(regex("^[a-z0-9][a-z0-9-]*$", role.kubernetes_group))])
    error_message = "team_roles has groups of lower-case letters, digits and hyphens, so none of system: or eks: write what team.subjects of the chart names, such as genomics-team."
  }

  validation {
    condition     = alltrue([for role in var.team_roles : length(role.namespaces) > 0 && alltrue([for namespace in role.namespaces : can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", namespace)) && !startswith(namespace, "kube-")])])
    error_message = "team_roles has a namespace or more for each role, without wildcards and none of kube-: name the namespaces of the team's services."
  }
}

variable "deployers" {
  type = map(object({
    role_arn         = string
    kubernetes_group = string
    namespaces       = list(string)
  }))
  description = "Roles that install the chart, in these namespaces alone; the group is for what policies of EKS do not cover"
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for role in var.deployers : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", role.role_arn))])
    error_message = "deployers has role_arn of IAM roles, no users, no sessions and no wildcard: write them like arn:aws:iam::111122223333:role/deploy."
  }

  validation {
    condition     = alltrue([for role in var.deployers : can(regex("^[a-z0-9][a-z0-9-]*$", role.kubernetes_group))])
    error_message = "deployers has groups of lower-case letters, digits and hyphens, so none of system: or eks: write what your RoleBinding names, such as deployers."
  }

  validation {
    condition     = alltrue([for role in var.deployers : length(role.namespaces) > 0 && alltrue([for namespace in role.namespaces : can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", namespace)) && !startswith(namespace, "kube-")])])
    error_message = "deployers has a namespace or more for each role, without wildcards and none of kube-: name the namespaces of the services."
  }
}
