variable "name" {
  type        = string
  nullable    = false
  description = "Prefix of every name, such as careway-dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,28}[a-z0-9]$", var.name))
    error_message = "name must have 4 to 30 lower-case letters, digits and hyphens, begin with a letter and end with no hyphen; shorten or rename it."
  }
}

variable "service" {
  type        = string
  nullable    = false
  description = "Service whose secrets these are, such as genomics"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,19}$", var.service))
    error_message = "service must have 2 to 20 lower-case letters and digits and begin with a letter; give the name that the chart has for it."
  }
}

variable "key_arn" {
  type        = string
  nullable    = false
  description = "KMS key for both secrets"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.key_arn))
    error_message = "key_arn must be the ARN of a KMS key (not of an alias); take it from the module keys, purpose secrets."
  }
}

variable "path" {
  type        = string
  default     = null
  description = "Path of the two secrets, NAME/SERVICE if null"

  validation {
    condition     = var.path == null || can(regex("^[a-zA-Z0-9][a-zA-Z0-9/_.-]{1,199}[a-zA-Z0-9]$", var.path))
    error_message = "path must have letters, digits and / _ . - alone and neither begin nor end with a sign; leave it null for NAME/SERVICE."
  }
}

variable "recovery_days" {
  type        = number
  nullable    = false
  default     = 30
  description = "Days in which a deleted secret can be brought back"

  validation {
    condition     = var.recovery_days >= 7 && var.recovery_days <= 30 && floor(var.recovery_days) == var.recovery_days
    error_message = "recovery_days must be a whole number from 7 to 30; AWS deletes at once below that, and cannot wait longer."
  }
}

variable "secret_key" {
  type        = string
  ephemeral   = true
  sensitive   = true
  nullable    = false
  description = "Key that signs cursors; never kept in plan or state, and written when secret_key_version changes"

  # Careway asks for 32; a key that somebody thought of is weaker than it is long.
  validation {
    condition     = length(var.secret_key) >= 50
    error_message = "secret_key must have at least 50 characters; take it from an ephemeral aws_secretsmanager_random_password, as the environments do, or from another random source."
  }
}

variable "secret_key_version" {
  type        = number
  nullable    = false
  default     = 1
  description = "Raise it by one to write another secret key"

  validation {
    condition     = var.secret_key_version >= 1 && floor(var.secret_key_version) == var.secret_key_version
    error_message = "secret_key_version must be a whole number from 1; raise it by one to write another key."
  }
}

variable "database" {
  type = object({
    host     = string
    port     = number
    database = string
  })
  default     = null
  description = "Where the database is, for the first value of its user's secret"
}

variable "reader_role_arns" {
  type        = list(string)
  nullable    = false
  default     = []
  description = "Roles that read both values; once one is named, nobody else can"

  validation {
    condition     = alltrue([for arn in var.reader_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?[:space:]]+$", arn))])
    error_message = "reader_role_arns must be ARNs of IAM roles without a wildcard; name each role."
  }
}

variable "rotator_role_arns" {
  type        = list(string)
  nullable    = false
  default     = []
  description = "Roles that read and write the database user's secret, such as a rotation function of your own"

  validation {
    condition     = alltrue([for arn in var.rotator_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?[:space:]]+$", arn))])
    error_message = "rotator_role_arns must be ARNs of IAM roles without a wildcard; name each role."
  }
}

variable "manager_arns" {
  type        = list(string)
  nullable    = false
  default     = []
  description = "Roles (or users) that run Terraform, plan included, or write the first password"

  validation {
    condition     = alltrue([for arn in var.manager_arns : can(regex("^arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:(role|user)/[^*?[:space:]]+$", arn))])
    error_message = "manager_arns must be ARNs of IAM roles or users without a wildcard; name each one."
  }
}

variable "rotation" {
  type        = bool
  nullable    = false
  default     = false
  description = "Whether AWS's function gives the database's two users a new password by turns; only after the first value is written"

  validation {
    condition     = !var.rotation || (var.rotation_network != null && var.master_secret != null && var.database != null && var.logs_key_arn != null)
    error_message = "rotation needs database, master_secret, rotation_network and logs_key_arn; give all four, or leave rotation false."
  }
}

variable "rotation_days" {
  type        = number
  nullable    = false
  default     = 30
  description = "Days between two rotations"

  # Sessions of the user before end within an hour; a day leaves room for every CAREWAY_CONNECTION_SECONDS.
  validation {
    condition     = var.rotation_days >= 1 && var.rotation_days <= 365 && floor(var.rotation_days) == var.rotation_days
    error_message = "rotation_days must be a whole number from 1 to 365; 30 is usual."
  }
}

variable "rotation_network" {
  type = object({
    vpc_id                     = string
    subnet_ids                 = list(string)
    endpoint_cidrs             = list(string)
    database_security_group_id = string
  })
  default     = null
  description = "Where the function runs, and where the endpoints of Secrets Manager and RDS are"

  validation {
    condition     = var.rotation_network == null || try(length(var.rotation_network.subnet_ids) >= 2 && length(var.rotation_network.endpoint_cidrs) >= 1, false)
    error_message = "rotation_network needs two subnet_ids or more and one of endpoint_cidrs or more; give private subnets, and the ranges of their interface endpoints."
  }

  validation {
    condition     = alltrue([for cidr in try(var.rotation_network.endpoint_cidrs, []) : can(cidrhost(cidr, 0)) && !endswith(cidr, "/0")])
    error_message = "rotation_network.endpoint_cidrs must be CIDRs other than the whole world; give the subnets of the interface endpoints."
  }
}

variable "master_secret" {
  type = object({
    arn     = string
    key_arn = string
  })
  default     = null
  description = "Secret of the database's administrator, and its KMS key; the function alone reads it"

  validation {
    condition     = var.master_secret == null || can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:", var.master_secret.arn))
    error_message = "master_secret.arn must be the ARN of a secret; take master_secret_arn of the module database."
  }
}

variable "rotation_function_version" {
  type        = string
  default     = null
  description = "Version of AWS's rotation function, the newest at the first apply if null"
}

variable "logs_key_arn" {
  type        = string
  default     = null
  description = "KMS key of the rotation function's log"

  validation {
    condition     = var.logs_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.logs_key_arn))
    error_message = "logs_key_arn must be the ARN of a KMS key (not of an alias); take it from the module keys, purpose logs."
  }
}

variable "log_retention_days" {
  type        = number
  nullable    = false
  default     = 365
  description = "Days that the rotation function's log is kept"

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a number that CloudWatch knows, such as 30, 90 or 365; take the next one."
  }
}
