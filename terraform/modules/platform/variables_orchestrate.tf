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

  validation {
    condition     = alltrue([for range in var.cluster.public_access_cidrs : can(cidrnetmask(range)) && try(tonumber(split("/", range)[1]) >= 16, false)])
    error_message = "cluster.public_access_cidrs must be an allow-list of IPv4 ranges of /16 or smaller: name those of your offices or VPN, or leave it empty for a private API, since 0.0.0.0/0 is the whole world."
  }

  validation {
    condition     = var.environment != "production" || anytrue([for each in values(var.cluster.node_groups) : each.min >= 3 && length(coalesce(each.taints, [])) == 0])
    error_message = "cluster.node_groups must hold, in production, one without taints and with min of at least 3: raise it, so that each zone has a node."
  }
}
