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

  validation {
    condition     = try(tonumber(split("/", var.network.cidr)[1]) >= 16 && tonumber(split("/", var.network.cidr)[1]) <= 20 && cidrhost(var.network.cidr, 0) == split("/", var.network.cidr)[0], false)
    error_message = "network.cidr must be a range from /16 to /20 that begins at its first address, such as 10.16.0.0/16: a smaller one has no room for the pods of three zones."
  }

  validation {
    # Two ranges overlap where, cut to the wider one's length, they begin at the same address.
    condition = try(alltrue([
      for taken in var.network.taken_cidrs : length(distinct([
        for range in [var.network.cidr, taken] : cidrhost(
          "${split("/", range)[0]}/${min(tonumber(split("/", var.network.cidr)[1]), tonumber(split("/", taken)[1]))}", 0
        )
      ])) == 2
    ]), false)
    error_message = "network.cidr must not overlap one of network.taken_cidrs: choose a free range, since networks that overlap can never be joined."
  }

  validation {
    condition     = var.network.zone_count >= 2 && var.network.zone_count <= 4
    error_message = "network.zone_count must be 2, 3 or 4: a cluster and a database need two, and four is what the range has room for."
  }

  validation {
    condition     = var.environment != "production" || var.network.zone_count >= 3
    error_message = "network.zone_count must be at least 3 in production: set it to 3, so that a zone can be lost and two still share the load."
  }

  validation {
    condition     = var.environment != "production" || var.network.nat != "one"
    error_message = "network.nat must not be one in production: set it to per_zone, or to none with a hub, since with one the loss of its zone cuts off all."
  }
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

  validation {
    condition     = alltrue([for arn in concat(var.registry.pull_principals, var.registry.push_principals) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:[^*?]+$", arn))])
    error_message = "registry.pull_principals and registry.push_principals must name principals by whole ARNs: write out each account's root or role, without a wildcard, since * would be everybody."
  }
}
