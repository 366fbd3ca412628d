variable "name" {
  type        = string
  nullable    = false
  description = "What every role's name begins with, such as careway-dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,28}[a-z0-9]$", var.name))
    error_message = "name must have 4 to 30 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen: choose one such as careway-dev."
  }
}

variable "cluster_name" {
  type        = string
  nullable    = false
  description = "The cluster whose pods take the controllers' roles"

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", var.cluster_name))
    error_message = "cluster_name must be the name of an EKS cluster: give the output name of the module cluster."
  }
}

variable "cluster_arn" {
  type        = string
  nullable    = false
  description = "ARN of that cluster, which roles of pods and of people are bound to"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:eks:[a-z0-9-]+:[0-9]{12}:cluster/[0-9A-Za-z_-]+$", var.cluster_arn))
    error_message = "cluster_arn must be the ARN of an EKS cluster: give the output arn of the module cluster."
  }
}

variable "oidc_provider_arn" {
  type        = string
  default     = null
  description = "The cluster's identity provider in IAM, for services whose secrets are read by IRSA; null where none are"

  validation {
    condition     = var.oidc_provider_arn == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[A-Za-z0-9./_-]+$", var.oidc_provider_arn))
    error_message = "oidc_provider_arn must be the ARN of an OIDC provider of IAM: give the output oidc_provider_arn of the module cluster, or null."
  }
}

variable "oidc_issuer_url" {
  type        = string
  default     = null
  description = "The cluster's issuer of tokens, https://…, for services whose secrets are read by IRSA"

  validation {
    condition     = var.oidc_issuer_url == null || can(regex("^https://[a-z0-9.-]+(/[A-Za-z0-9._/-]+)?$", var.oidc_issuer_url))
    error_message = "oidc_issuer_url must begin with https:// and have neither a port nor a query: give the output oidc_issuer_url of the module cluster, or null."
  }
}

variable "vpc_id" {
  type        = string
  nullable    = false
  description = "Where the load balancer controller may make security groups"

  validation {
    condition     = can(regex("^vpc-[0-9a-z]+$", var.vpc_id))
    error_message = "vpc_id must be the id of a VPC, vpc-…: give the output vpc_id of the module network."
  }
}

variable "services" {
  type = map(object({
    namespace               = string
    secret_path_arn         = string
    secrets_via             = optional(string, "pod-identity")
    secrets_service_account = optional(string)
    master_secret_arn       = optional(string)
  }))
  nullable    = false
  description = "Each service with its namespace, the path of its secrets (arn:…:secret:PATH/*), how they are read (pod-identity or irsa), the account that reads by IRSA (default SERVICE-secrets, which the chart makes), and the secret of its database's master"

  validation {
    condition     = length(var.services) > 0
    error_message = "services must hold at least one: give its name, namespace and secret_path_arn."
  }

  validation {
    condition     = alltrue([for service in keys(var.services) : can(regex("^[a-z]([a-z0-9-]*[a-z0-9])?$", service))])
    error_message = "services must have names that are DNS labels: lower-case letters, digits and hyphens, first a letter, last no hyphen."
  }

  validation {
    condition     = alltrue([for service in keys(var.services) : length("${var.name}-${service}-secrets-reader") <= 64])
    error_message = "services must have names so short that NAME-SERVICE-secrets-reader stays within the 64 characters of a role's name: shorten the service or name."
  }

  validation {
    condition = alltrue(flatten([for each in values(var.services) : [
      for label in compact([each.namespace, each.secrets_service_account]) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", label))
    ]]))
    error_message = "services must have namespaces and service accounts that Kubernetes takes, without wildcards: at most 63 lower-case letters, digits and hyphens, neither first nor last a hyphen."
  }

  validation {
    condition     = alltrue([for each in values(var.services) : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+/\\*$", each.secret_path_arn))])
    error_message = "services must each have a secret_path_arn of the form arn:…:secret:PATH/* with the one wildcard at its end: give the output path_arn_pattern of the module secrets."
  }

  validation {
    condition = alltrue(flatten([for one, each in var.services : [
      for other, its in var.services : one == other || !startswith(its.secret_path_arn, trimsuffix(each.secret_path_arn, "*"))
    ]]))
    error_message = "services must not share a path, nor may one's path lie within another's: give each a secret_path_arn of its own."
  }

  validation {
    condition     = alltrue([for each in values(var.services) : contains(["pod-identity", "irsa"], each.secrets_via)])
    error_message = "services must have secrets_via pod-identity or irsa: choose the one that the service's SecretStore uses."
  }

  validation {
    condition     = alltrue([for each in values(var.services) : each.secrets_via != "irsa" || (var.oidc_provider_arn != null && var.oidc_issuer_url != null)])
    error_message = "services with secrets_via irsa need oidc_provider_arn and oidc_issuer_url: give both, or choose pod-identity."
  }

  validation {
    condition     = alltrue([for each in values(var.services) : each.master_secret_arn == null || can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+$", each.master_secret_arn))])
    error_message = "services must have a master_secret_arn of one secret, without wildcards: give the output master_secret_arn of the module database, or null."
  }
}

variable "service_accounts" {
  type = object({
    external_secrets         = optional(object({ namespace = string, name = string }), { namespace = "external-secrets", name = "external-secrets" })
    load_balancer_controller = optional(object({ namespace = string, name = string }), { namespace = "kube-system", name = "aws-load-balancer-controller" })
    autoscaler               = optional(object({ namespace = string, name = string }), { namespace = "kube-system", name = "cluster-autoscaler" })
    collector                = optional(object({ namespace = string, name = string }), { namespace = "observability", name = "collector" })
  })
  nullable    = false
  default     = {}
  description = "The service account of each controller, as its chart makes it"

  validation {
    condition = alltrue(flatten([for each in values(var.service_accounts) : [
      for label in values(each) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", label))
    ]]))
    error_message = "service_accounts must have namespaces and names that Kubernetes takes, without wildcards: at most 63 lower-case letters, digits and hyphens."
  }
}

variable "permissions_boundary_arn" {
  type        = string
  default     = null
  description = "A managed policy that no role here may exceed; null sets no boundary"

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of a managed policy, arn:…:policy/NAME: give one, or null."
  }
}
