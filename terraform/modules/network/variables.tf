variable "name" {
  description = "Prefix of every name, such as careway-dev"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,28}[a-z0-9]$", var.name))
    error_message = "The variable name must be 4 to 30 small letters, digits and hyphens, begin with a letter and not end with a hyphen: choose one such as careway-dev."
  }
}

variable "cluster_name" {
  description = "Name of the cluster, for the tags by which load balancers and nodes find their subnets"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", var.cluster_name))
    error_message = "The variable cluster_name must be a name that EKS takes: up to 100 letters, digits, hyphens and underscores, with a letter or digit first."
  }
}

variable "cidr" {
  description = "Addresses of the network, /16 to /20, out of the private ranges of RFC 1918"
  type        = string
  nullable    = false

  validation {
    condition     = try(cidrsubnet(var.cidr, 0, 0) == var.cidr, false)
    error_message = "The variable cidr must be a network written by its first address, as in 10.20.0.0/16: write ${try(cidrsubnet(var.cidr, 0, 0), "address/length")}."
  }

  validation {
    condition     = can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", var.cidr))
    error_message = "The variable cidr must lie in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16: other addresses belong to somebody on the internet."
  }

  # A /20 leaves each zone 507 addresses for nodes and pods and 59 for load balancers: the least that upgrades of the
  # cluster are safe with, since every pod takes an address. AWS makes no network larger than a /16.
  validation {
    condition     = try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 20, false)
    error_message = "The variable cidr must be a /16 to a /20: a smaller one does not hold the subnets of four zones, a larger one is refused by AWS."
  }

  # Two networks overlap exactly when they are one at the shorter of their lengths.
  validation {
    condition = alltrue([for taken in var.taken_cidrs : try(
      cidrsubnet(format("%s/%d", split("/", var.cidr)[0], min(split("/", var.cidr)[1], split("/", taken)[1])), 0, 0) !=
      cidrsubnet(format("%s/%d", split("/", taken)[0], min(split("/", var.cidr)[1], split("/", taken)[1])), 0, 0),
    true)])
    error_message = "The variable cidr must not overlap any of taken_cidrs (${join(", ", var.taken_cidrs)}): choose a free network, or both can never be routed to each other."
  }

  # A summary such as 10.0.0.0/8 may hold this network too: its own route is the narrower one and wins.
  validation {
    condition = alltrue([for beyond in try(var.hub.cidrs, []) : try(
      tonumber(split("/", beyond)[1]) < tonumber(split("/", var.cidr)[1]) ||
      cidrsubnet(format("%s/%s", split("/", beyond)[0], split("/", var.cidr)[1]), 0, 0) != cidrsubnet(var.cidr, 0, 0),
    true)])
    error_message = "The variable cidr must not hold a network of hub.cidrs (${join(", ", try(var.hub.cidrs, []))}): choose a free network, or that part of the hub is out of reach."
  }
}

variable "taken_cidrs" {
  description = "Networks that this one must not overlap, such as those of the hub and of the other environments"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for taken in var.taken_cidrs : try(cidrsubnet(taken, 0, 0) == taken && can(cidrnetmask(taken)), false)])
    error_message = "The variable taken_cidrs must hold IPv4 networks written by their first address, as in 10.20.0.0/16."
  }
}

variable "zone_count" {
  description = "How many availability zones the network spans"
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = contains([2, 3, 4], var.zone_count)
    error_message = "The variable zone_count must be 2, 3 or 4: a cluster and a standby of the database need two, and the addresses are cut for four."
  }
}

variable "excluded_zone_ids" {
  description = "Zones to leave out by id, as those in which EKS makes no control plane"
  type        = set(string)
  default     = ["cac1-az3", "use1-az3", "usw1-az2"]
  nullable    = false

  validation {
    condition     = alltrue([for id in var.excluded_zone_ids : can(regex("^[a-z0-9]+-az[0-9]+$", id))])
    error_message = "The variable excluded_zone_ids must hold ids such as use1-az3, which mean the same zone in every account, and not names such as us-east-1c, which do not."
  }
}

variable "nat" {
  description = "NAT gateways for the way out: one, one per_zone, or none, with which the hub is the way out"
  type        = string
  default     = "per_zone"
  nullable    = false

  validation {
    condition     = contains(["one", "per_zone", "none"], var.nat)
    error_message = "The variable nat must be one, per_zone or none."
  }

  validation {
    condition     = var.nat != "none" || var.hub != null
    error_message = "The variable nat may be none only with hub, through whose transit gateway the way out then leads: set hub, or nat to one or per_zone."
  }
}

variable "hub" {
  description = "Transit gateway to attach to, and the networks behind it"
  type = object({
    transit_gateway_id = string
    cidrs              = list(string)
  })
  default = null

  validation {
    condition     = var.hub == null ? true : can(regex("^tgw-[0-9a-f]{8,17}$", var.hub.transit_gateway_id))
    error_message = "The variable hub must name a transit gateway by its id, as in tgw-0123456789abcdef0."
  }

  validation {
    condition = var.hub == null ? true : length(var.hub.cidrs) > 0 && alltrue([
      for beyond in var.hub.cidrs : try(cidrsubnet(beyond, 0, 0) == beyond && can(cidrnetmask(beyond)) && beyond != "0.0.0.0/0", false)
    ])
    error_message = "The variable hub must list in cidrs the IPv4 networks behind it by their first addresses, at least one, and never 0.0.0.0/0: the way out is the variable nat."
  }
}

variable "endpoints" {
  description = "Whether AWS is asked through endpoints of this network; if not, through those that the hub shares"
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = var.endpoints || var.hub != null
    error_message = "The variable endpoints may be false only with hub, which then shares its own: set hub, or endpoints to true."
  }
}

variable "interface_endpoints" {
  description = "Services of AWS that get an interface endpoint; each costs by the hour and zone"
  type        = set(string)
  default = [
    "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "logs", "oidc-eks",
    "secretsmanager", "sts",
  ]
  nullable = false

  validation {
    condition = alltrue([for service in var.interface_endpoints : contains([
      "aps-workspaces", "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "kms",
      "logs", "oidc-eks", "rds", "secretsmanager", "sts", "xray",
    ], service)])
    error_message = "The variable interface_endpoints may hold only services that endpoint_policies.tf has a policy for: take others out, or add theirs there and here."
  }

  validation {
    condition     = alltrue([for needed in ["ec2", "ecr.api", "ecr.dkr", "sts"] : contains(var.interface_endpoints, needed)])
    error_message = "The variable interface_endpoints must hold at least ec2, ecr.api, ecr.dkr and sts, without which no node joins and no image is pulled when NAT is away."
  }
}

variable "clients_cidrs" {
  description = "Networks that may reach the load balancers on 443"
  type        = list(string)
  default     = ["0.0.0.0/0"]
  nullable    = false

  validation {
    condition = length(var.clients_cidrs) > 0 && alltrue([
      for clients in var.clients_cidrs : try(cidrsubnet(clients, 0, 0) == clients && can(cidrnetmask(clients)), false)
    ])
    error_message = "The variable clients_cidrs must hold at least one IPv4 network, each written by its first address, as in 198.51.100.0/24."
  }
}

variable "target_port" {
  description = "Port of the pods that the load balancers ask"
  type        = number
  default     = 8000
  nullable    = false

  validation {
    condition     = var.target_port >= 1024 && var.target_port <= 65535 && floor(var.target_port) == var.target_port
    error_message = "The variable target_port must be a whole number from 1024 to 65535: pods do not run as root, so they get no lower port."
  }
}

variable "logs_key_arn" {
  description = "KMS key that encrypts the flow logs"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.logs_key_arn))
    error_message = "The variable logs_key_arn must be the ARN of a KMS key: take it from the module keys, purpose logs."
  }
}

variable "flow_log_retention_days" {
  description = "Days that flow logs are kept"
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition = contains([
      1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
    ], var.flow_log_retention_days)
    error_message = "The variable flow_log_retention_days must be a number of days that CloudWatch Logs knows, such as 30, 90, 365 or 3653."
  }
}
