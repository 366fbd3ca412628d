variable "name" {
  type        = string
  description = "Name of the cluster, and prefix of its roles and templates"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,28}[a-z0-9]$", var.name))
    error_message = "name has 4 to 30 lower-case letters, digits and hyphens, and begins with a letter: write it like careway-dev."
  }
}

variable "kubernetes_version" {
  type        = string
  description = "Minor version of Kubernetes, for control plane and nodes"
  default     = "1.35"
  nullable    = false

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version)) && try(tonumber(split(".", var.kubernetes_version)[1]) >= 30, false)
    error_message = "kubernetes_version is a minor version from 1.30 on, which is what the chart needs: write it like \"1.35\", without a patch."
  }
}

variable "support_type" {
  type        = string
  description = "What happens when standard support of the version ends: EXTENDED keeps it for a higher price by the hour, STANDARD lets AWS raise it"
  default     = "EXTENDED"
  nullable    = false

  validation {
    condition     = contains(["EXTENDED", "STANDARD"], var.support_type)
    error_message = "support_type is EXTENDED or STANDARD: choose EXTENDED where nobody may raise the version but you."
  }
}

variable "vpc_id" {
  type        = string
  description = "VPC of the subnets, which is checked"
  nullable    = false

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "vpc_id is the id of a VPC: pass the output vpc_id of the network module."
  }
}

variable "subnet_ids" {
  type        = list(string)
  description = "Private subnets for the nodes and the network interfaces of the API, in two zones or more"
  nullable    = false

  validation {
    condition     = length(distinct(var.subnet_ids)) >= 2 && length(distinct(var.subnet_ids)) == length(var.subnet_ids)
    error_message = "subnet_ids needs two different subnets or more: pass the output private_subnet_ids of the network module."
  }
}

variable "etcd_key_arn" {
  type        = string
  description = "KMS key of the envelope around what etcd holds"
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9A-Za-z-]+$", var.etcd_key_arn))
    error_message = "etcd_key_arn is the ARN of a KMS key, not of an alias: pass arns[\"etcd\"] of the keys module."
  }
}

variable "disks_key_arn" {
  type        = string
  description = "KMS key of the nodes' disks, which the service-linked role of Auto Scaling may use"
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9A-Za-z-]+$", var.disks_key_arn))
    error_message = "disks_key_arn is the ARN of a KMS key, not of an alias: pass arns[\"disks\"] of the keys module."
  }
}

variable "logs_key_arn" {
  type        = string
  description = "KMS key of the control plane's log group"
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9A-Za-z-]+$", var.logs_key_arn))
    error_message = "logs_key_arn is the ARN of a KMS key, not of an alias: pass arns[\"logs\"] of the keys module."
  }
}

variable "control_plane_log_retention_days" {
  type        = number
  description = "Days that the control plane's logs are kept, the API's audit log among them"
  default     = 365
  nullable    = false

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.control_plane_log_retention_days)
    error_message = "control_plane_log_retention_days is a period of CloudWatch Logs from 30 days on: choose 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "public_access_cidrs" {
  type        = list(string)
  description = "IPv4 ranges that may reach the API from the internet; none means that it has no public address"
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for range in var.public_access_cidrs : can(cidrnetmask(range)) && try(tonumber(split("/", range)[1]) >= 16, false)])
    error_message = "public_access_cidrs holds IPv4 ranges of /16 or smaller, so neither 0.0.0.0/0 nor ::/0: name the addresses of your offices or build machines, or leave it empty."
  }
}

variable "private_access_cidrs" {
  type        = list(string)
  description = "IPv4 ranges outside the VPC that may reach the API's private address, such as a VPN or the hub; known before apply"
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for range in var.private_access_cidrs : can(cidrnetmask(range)) && try(tonumber(split("/", range)[1]) >= 8, false)])
    error_message = "private_access_cidrs holds IPv4 ranges of /8 or smaller, so not 0.0.0.0/0: name the ranges of the VPN or the hub."
  }
}

variable "service_cidr" {
  type        = string
  description = "Range of the cluster's Services, outside the VPC and what it is connected to; null lets EKS choose, and no later change is possible"
  default     = null

  validation {
    condition     = var.service_cidr == null ? true : can(regex("^(10|172\\.(1[6-9]|2[0-9]|3[01])|192\\.168)\\.", var.service_cidr)) && can(cidrnetmask(var.service_cidr)) && try(tonumber(split("/", var.service_cidr)[1]) >= 12 && tonumber(split("/", var.service_cidr)[1]) <= 24, false)
    error_message = "service_cidr is a private IPv4 range of /12 to /24: write it like 172.20.0.0/16, or leave it out."
  }
}

variable "irsa" {
  type        = bool
  description = "Whether service accounts may also take roles by the cluster's OIDC issuer, for what cannot use Pod Identity"
  default     = false
  nullable    = false
}

variable "tags" {
  type        = map(string)
  description = "Tags for instances, disks and network interfaces of the nodes, which the provider's default tags do not reach"
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(lower(key), "aws:") && key != "Name"])
    error_message = "tags may neither begin with aws: nor be Name, which the module sets: rename them."
  }
}
