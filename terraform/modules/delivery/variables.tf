variable "name" {
  type        = string
  nullable    = false
  description = "What every name begins with, such as careway-dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,28}[a-z0-9]$", var.name))
    error_message = "name must have 4 to 30 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen: choose one such as careway-dev."
  }
}

variable "pipeline" {
  type = object({
    connection_arn         = string
    repository             = string
    branch                 = optional(string, "main")
    base_image             = string
    trial_database_image   = string
    build_image            = string
    approval_topic_arn     = optional(string)
    approval_key_arn       = optional(string)
    approval_timeout_hours = optional(number, 24)
  })
  default     = null
  description = "Where the source is, what it is built on (images by digest), the image that builds, and who hears of what waits for approval; null makes nothing at all"

  validation {
    condition     = var.pipeline == null || can(regex("^arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/[A-Za-z0-9-]+$", var.pipeline.connection_arn))
    error_message = "pipeline.connection_arn must be the ARN of a connection: make one in the console, where its handshake is confirmed, and give its ARN."
  }

  validation {
    condition     = var.pipeline == null || can(regex("^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$", var.pipeline.repository))
    error_message = "pipeline.repository must be OWNER/NAME: name the one repository."
  }

  validation {
    condition     = var.pipeline == null || can(regex("^[A-Za-z0-9._/-]+$", var.pipeline.branch))
    error_message = "pipeline.branch must be one branch without wildcards: name it, such as main."
  }

  validation {
    condition     = var.pipeline == null || alltrue([for image in try([var.pipeline.base_image, var.pipeline.trial_database_image], []) : can(regex("^[a-z0-9.:/_-]+@sha256:[0-9a-f]{64}$", image))])
    error_message = "pipeline.base_image and pipeline.trial_database_image must end with @sha256: and a digest: look it up, since a tag moves and make publish refuses it."
  }

  validation {
    condition     = var.pipeline == null || can(regex("^(aws/codebuild/[A-Za-z0-9._-]+:[A-Za-z0-9._-]+|[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9.-]+/[a-z0-9/_.-]+@sha256:[0-9a-f]{64})$", var.pipeline.build_image))
    error_message = "pipeline.build_image must be an image of AWS CodeBuild, aws/codebuild/…, or one of ECR with its digest: choose one that has make, Python, Docker, helm and the AWS CLI."
  }

  validation {
    condition     = try(var.pipeline.approval_topic_arn, null) == null || can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", var.pipeline.approval_topic_arn))
    error_message = "pipeline.approval_topic_arn must be the ARN of a topic of SNS: give one, or leave it out."
  }

  validation {
    condition     = var.pipeline == null || try(var.pipeline.approval_timeout_hours >= 1 && var.pipeline.approval_timeout_hours <= 168, false)
    error_message = "pipeline.approval_timeout_hours must be from 1 to 168: choose how long a version waits for somebody."
  }
}

variable "registry_host" {
  type        = string
  nullable    = false
  description = "Host of the registry that is published to, ACCOUNT.dkr.ecr.REGION.…"

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?$", var.registry_host))
    error_message = "registry_host must be the host of an ECR registry, without a scheme or a path: give the output host of the module registry."
  }
}

variable "registry_arns" {
  type        = list(string)
  nullable    = false
  description = "The repositories that are pushed to"

  validation {
    condition     = length(var.registry_arns) > 0 && alltrue([for arn in var.registry_arns : can(regex("^arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9/_.-]+$", arn))])
    error_message = "registry_arns must be ARNs of ECR repositories without wildcards, at least one: give the values of the output arns of the module registry."
  }
}

variable "key_arn" {
  type        = string
  nullable    = false
  description = "The key of what the stages hand on"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.key_arn))
    error_message = "key_arn must be the ARN of a KMS key, not of an alias: give the one of the registry, of the module keys."
  }
}

variable "logs_key_arn" {
  type        = string
  nullable    = false
  description = "The key of the builds' logs"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.logs_key_arn))
    error_message = "logs_key_arn must be the ARN of a KMS key, not of an alias: give the one of the module keys."
  }
}

variable "log_retention_days" {
  type        = number
  nullable    = false
  default     = 365
  description = "Days for which the builds' logs are kept"

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a number of days that CloudWatch Logs knows, at least 30: choose 30, 90, 180, 365 or 731, for example."
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
