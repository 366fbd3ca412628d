variable "name" {
  type        = string
  nullable    = false
  description = "Prefix of every name, the environment's own, such as careway-dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,28}[a-z0-9]$", var.name))
    error_message = "name must have 4 to 30 lower-case letters, digits or hyphens, begin with a letter and not end with a hyphen: choose one such as careway-dev."
  }
}

variable "purposes" {
  type        = set(string)
  nullable    = false
  default     = ["etcd", "disks", "secrets", "database", "registry", "logs", "audit", "metrics", "alerts"]
  description = "What there is a key for; the purposes state and delivery are asked for by name"

  validation {
    condition     = length(var.purposes) > 0
    error_message = "purposes must not be empty: name what needs a key, or leave the module out."
  }

  validation {
    condition     = alltrue([for purpose in var.purposes : contains(keys(local.services), purpose)])
    error_message = "purposes must be among ${join(", ", keys(local.services))}: a new purpose needs a line in services.tf, which says who may use its key."
  }
}

variable "administrators" {
  type        = list(string)
  nullable    = false
  default     = []
  description = "ARNs of the roles that administer the keys and never use them; empty leaves it to the account's IAM policies"

  validation {
    condition     = alltrue([for arn in var.administrators : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "administrators must be ARNs of roles without a wildcard: write each out, such as arn:aws:iam::111122223333:role/engineers."
  }
}

variable "users" {
  type        = map(list(string))
  nullable    = false
  default     = {}
  description = "ARNs of the roles that use a key by themselves and not through a service, by purpose"

  validation {
    condition     = alltrue([for purpose in keys(var.users) : contains(var.purposes, purpose)])
    error_message = "users must name purposes that have a key: add the purpose to purposes, or take it out of users."
  }

  validation {
    condition     = alltrue([for arn in flatten(values(var.users)) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "users must hold ARNs of roles without a wildcard: write each out, such as arn:aws:iam::111122223333:role/engineers."
  }
}
