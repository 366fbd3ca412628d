variable "node_groups" {
  type = map(object({
    instance_types = list(string)
    min            = number
    max            = number
    desired        = number
    ami_type       = optional(string, "BOTTLEROCKET_ARM_64")
    disk_gib       = optional(number, 50)
    labels         = optional(map(string), {})
    taints         = optional(list(object({ key = string, value = optional(string), effect = string })), [])
    capacity_type  = optional(string, "ON_DEMAND")
  }))
  description = "Groups of nodes by name; desired counts at the first apply alone, from then on the autoscaler decides"
  nullable    = false

  validation {
    condition     = length(var.node_groups) > 0
    error_message = "node_groups is empty, and the add-ons need nodes: name one group at least."
  }

  validation {
    condition     = alltrue([for name in keys(var.node_groups) : can(regex("^[a-z][a-z0-9-]{0,28}[a-z0-9]$", name))])
    error_message = "node_groups has names of 2 to 30 lower-case letters, digits and hyphens: write them like general."
  }

  validation {
    condition     = alltrue([for group in var.node_groups : length(group.instance_types) > 0 && alltrue([for type in group.instance_types : can(regex("^[a-z0-9-]+\\.[a-z0-9]+$", type))])])
    error_message = "node_groups needs one instance type or more in each group: write them like m7g.large."
  }

  validation {
    condition = alltrue([for group in var.node_groups :
      group.max >= 1 && group.min >= 0 && group.min <= group.desired && group.desired <= group.max
      && alltrue([for size in [group.min, group.desired, group.max] : floor(size) == size])
    ])
    error_message = "node_groups has whole numbers with 0 <= min <= desired <= max, and a max of 1 or more: put them in that order."
  }

  validation {
    condition = alltrue([for group in var.node_groups : contains([
      "BOTTLEROCKET_ARM_64", "BOTTLEROCKET_x86_64", "BOTTLEROCKET_ARM_64_FIPS", "BOTTLEROCKET_x86_64_FIPS",
      "AL2023_ARM_64_STANDARD", "AL2023_x86_64_STANDARD",
    ], group.ami_type)])
    error_message = "node_groups has an ami_type of BOTTLEROCKET_ARM_64, BOTTLEROCKET_x86_64, either of them with _FIPS, AL2023_ARM_64_STANDARD or AL2023_x86_64_STANDARD: choose one, the images of Amazon Linux 2 get no more corrections."
  }

  # Graviton has a g after the generation, as in m7g and c7gn; g5 and g6 are x86 with a graphics card.
  validation {
    condition = alltrue(flatten([for group in var.node_groups : [for type in group.instance_types :
      can(regex("^(a1|[a-z]+[0-9]+g[a-z]*)\\.", type)) == can(regex("_ARM_64", group.ami_type))
    ]]))
    error_message = "node_groups has instance types of another architecture than its ami_type: take Graviton such as m7g.large with an ARM_64 image, and others such as m7i.large with an x86_64 one."
  }

  validation {
    condition     = alltrue([for group in var.node_groups : group.disk_gib >= 20 && group.disk_gib <= 16384 && floor(group.disk_gib) == group.disk_gib])
    error_message = "node_groups has disk_gib in whole GiB from 20 to 16384: images and what pods write to their own file systems have to fit, so leave it at 50 if unsure."
  }

  validation {
    condition     = alltrue([for group in var.node_groups : contains(["ON_DEMAND", "SPOT"], group.capacity_type)])
    error_message = "node_groups has a capacity_type of ON_DEMAND or SPOT: take SPOT only for what may be cut off after two minutes."
  }

  # kubelet refuses to label itself with these.
  validation {
    condition     = alltrue(flatten([for group in var.node_groups : [for key in keys(group.labels) : !can(regex("(^|\\.)(kubernetes|k8s)\\.io/|^eks\\.amazonaws\\.com/", key))]]))
    error_message = "node_groups may set no labels below kubernetes.io, k8s.io or eks.amazonaws.com, which are reserved: use a domain of your own."
  }

  validation {
    condition     = alltrue(flatten([for group in var.node_groups : [for taint in group.taints : contains(["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"], taint.effect)]]))
    error_message = "node_groups has taints with the effect NO_SCHEDULE, NO_EXECUTE or PREFER_NO_SCHEDULE: EKS spells them so, unlike Kubernetes."
  }

  validation {
    condition     = anytrue([for group in var.node_groups : length(group.taints) == 0 && group.min >= 1])
    error_message = "node_groups needs a group without taints and with min >= 1, where CoreDNS, the metrics server and the autoscaler itself run: add one."
  }
}

variable "node_repair" {
  type        = bool
  description = "Whether EKS replaces a node that stays unready"
  default     = true
  nullable    = false
}

variable "network_policy_mode" {
  type        = string
  description = "What a new pod may reach until its policies are in force: all in standard mode, nothing in strict mode"
  default     = "standard"
  nullable    = false

  validation {
    condition     = contains(["standard", "strict"], var.network_policy_mode)
    error_message = "network_policy_mode is standard or strict: apply with standard first, then kubectl apply policies.yaml, then switch to strict."
  }
}

variable "addon_versions" {
  type        = map(string)
  description = "Versions of add-ons by name; EKS chooses the default of the cluster's version for those left out, and does not raise it later"
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.addon_versions) : contains(["vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent", "metrics-server"], name)])
    error_message = "addon_versions knows vpc-cni, kube-proxy, coredns, eks-pod-identity-agent and metrics-server: remove other names."
  }

  validation {
    condition     = alltrue([for version in values(var.addon_versions) : can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+-eksbuild\\.[0-9]+$", version))])
    error_message = "addon_versions has versions such as v1.20.4-eksbuild.2: see aws eks describe-addon-versions."
  }
}
