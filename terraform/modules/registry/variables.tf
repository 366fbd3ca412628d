variable "name" {
  type        = string
  description = "Environment that keeps the repositories, for their Name tag; the names of repositories do not have it"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,28}[a-z0-9]$", var.name))
    error_message = "name has 4 to 30 lower-case letters, digits and hyphens, and begins with a letter: write it like careway-dev."
  }
}

variable "repositories" {
  type        = list(string)
  description = "Names of the repositories: the image's, and the chart's, which helm push makes of charts and the chart's own name"
  default     = ["careway", "charts/careway"]
  nullable    = false

  validation {
    condition     = length(var.repositories) > 0 && length(distinct(var.repositories)) == length(var.repositories)
    error_message = "repositories is empty or names one twice: name the image's and the chart's, each once."
  }

  validation {
    condition     = alltrue([for name in var.repositories : length(name) >= 2 && length(name) <= 256 && can(regex("^[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*$", name))])
    error_message = "repositories holds names of lower-case letters and digits, with . _ - or / between them: write them like charts/careway."
  }
}

variable "key_arn" {
  type        = string
  description = "KMS key of the layers; another key later means new repositories, without what was in them"
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9A-Za-z-]+$", var.key_arn))
    error_message = "key_arn is the ARN of a KMS key, not of an alias: pass arns[\"registry\"] of the keys module."
  }
}

variable "pull_principals" {
  type        = list(string)
  description = "Accounts (as ARN of their root) and roles elsewhere that may pull; those of this account need only their own policies"
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.pull_principals : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(root|role/[\\w+=,.@/-]+)$", arn))])
    error_message = "pull_principals holds ARNs of roles or of an account's root, no users and no wildcard: write them like arn:aws:iam::111122223333:role/careway-production-node."
  }
}

variable "push_principals" {
  type        = list(string)
  description = "Roles elsewhere that may push, and pull what they pushed"
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.push_principals : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "push_principals holds ARNs of roles, no whole accounts, no users and no wildcard: write them like arn:aws:iam::111122223333:role/publish."
  }
}

variable "keep_versions" {
  type        = number
  description = "How many of the newest tagged versions a repository keeps; it does not know which of them run"
  default     = 100
  nullable    = false

  validation {
    condition     = var.keep_versions >= 10 && var.keep_versions <= 10000 && floor(var.keep_versions) == var.keep_versions
    error_message = "keep_versions is a whole number from 10 to 10000: keep more versions than lie between the oldest one that runs anywhere and the newest."
  }
}

variable "untagged_days" {
  type        = number
  description = "Days until what has no tag is deleted, 0 for never; lists of packages and signatures have none"
  default     = 0
  nullable    = false

  validation {
    condition     = var.untagged_days >= 0 && var.untagged_days <= 3650 && floor(var.untagged_days) == var.untagged_days
    error_message = "untagged_days is a whole number from 0 to 3650: leave it at 0, unless nothing hangs on the images."
  }
}

variable "scan_on_push" {
  type        = bool
  description = "Whether ECR looks for known vulnerabilities in each image that arrives"
  default     = true
  nullable    = false
}
