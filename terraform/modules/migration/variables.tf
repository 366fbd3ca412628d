variable "name" {
  type        = string
  nullable    = false
  description = "Prefix of every name, such as careway-dev"

  # DMS takes no two hyphens in a row.
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,28}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must have 4 to 30 lower-case letters, digits and single hyphens, begin with a letter and end with no hyphen; shorten or rename it."
  }
}

variable "service" {
  type        = string
  nullable    = false
  description = "Service whose data move, such as genomics"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,19}$", var.service))
    error_message = "service must have 2 to 20 lower-case letters and digits and begin with a letter; give the name that the chart has for it."
  }
}

variable "vpc_id" {
  type        = string
  nullable    = false
  description = "VPC of the replication instance"
}

variable "subnet_ids" {
  type        = list(string)
  nullable    = false
  description = "Private subnets of two zones at least, from which both databases are reached"

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name subnets of two zones at least; DMS takes no fewer."
  }
}

variable "key_arn" {
  type        = string
  nullable    = false
  description = "KMS key of the replication instance's storage and of the endpoints"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.key_arn))
    error_message = "key_arn must be the ARN of a KMS key (not of an alias); take it from the module keys, purpose database."
  }
}

variable "secrets_key_arn" {
  type        = string
  nullable    = false
  description = "KMS key of the two secrets"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.secrets_key_arn))
    error_message = "secrets_key_arn must be the ARN of a KMS key (not of an alias); take it from the module keys, purpose secrets."
  }
}

variable "source_database" {
  type = object({
    secret_arn = string
    database   = string
    cidr       = string
    port       = optional(number, 5432)
    ca_pem     = string
  })
  nullable    = false
  description = "Database that the data come from: its secret (username, password, host, port), name, address range, and the authority of its certificate"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:", var.source_database.secret_arn))
    error_message = "source_database.secret_arn must be the ARN of a secret; put username, password, host and port into one, since no password may stand in a variable."
  }

  validation {
    condition     = can(cidrhost(var.source_database.cidr, 0)) && !endswith(var.source_database.cidr, "/0")
    error_message = "source_database.cidr must be the range of the source's address, and not the whole world; give /32 for one machine."
  }

  validation {
    condition     = startswith(trimspace(var.source_database.ca_pem), "-----BEGIN CERTIFICATE-----")
    error_message = "source_database.ca_pem must be the PEM of the authority that signed the source's certificate; patients' data go over no connection that is not verified."
  }
}

variable "target_database" {
  type = object({
    secret_arn        = string
    database          = string
    security_group_id = string
    port              = optional(number, 5432)
    ca_pem            = string
  })
  nullable    = false
  description = "Database that the data go to: the migration user's secret (username, password, host, port), name, security group, and the authority of RDS"

  # The one that RDS makes has neither host nor port, and is the administrator's.
  validation {
    condition     = can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:", var.target_database.secret_arn)) && !strcontains(var.target_database.secret_arn, ":secret:rds!")
    error_message = "target_database.secret_arn must be the ARN of the migration user's own secret; the one that RDS manages lacks host and port."
  }

  validation {
    condition     = startswith(trimspace(var.target_database.ca_pem), "-----BEGIN CERTIFICATE-----")
    error_message = "target_database.ca_pem must be the PEM of the authority that signs the target's certificate (ca_certificate_identifier of the module database); take it from the region's bundle."
  }
}

variable "endpoint_cidrs" {
  type        = list(string)
  nullable    = false
  description = "Address ranges of the interface endpoint of Secrets Manager"

  validation {
    condition     = length(var.endpoint_cidrs) >= 1 && alltrue([for cidr in var.endpoint_cidrs : can(cidrhost(cidr, 0)) && !endswith(cidr, "/0")])
    error_message = "endpoint_cidrs must be one CIDR or more, none of them the whole world; take endpoint_cidrs of the module network."
  }
}

variable "instance_class" {
  type        = string
  nullable    = false
  default     = "dms.t3.medium"
  description = "Size of the replication instance"

  validation {
    condition     = can(regex("^dms[.][a-z0-9]+[.][a-z0-9]+$", var.instance_class))
    error_message = "instance_class must be a class of DMS such as dms.t3.medium or dms.r6i.large; take one that the region has."
  }
}

variable "allocated_gib" {
  type        = number
  nullable    = false
  default     = 50
  description = "Storage of the replication instance in GiB, where changes wait until they are applied"

  validation {
    condition     = var.allocated_gib >= 5 && var.allocated_gib <= 6144 && floor(var.allocated_gib) == var.allocated_gib
    error_message = "allocated_gib must be a whole number from 5 to 6144; take a day's changes of the source."
  }
}

variable "multi_az" {
  type        = bool
  nullable    = false
  default     = false
  description = "Whether the replication instance has a standby; for a migration that runs for weeks"
}

variable "excluded_tables" {
  type        = set(string)
  nullable    = false
  default     = ["auth_permission", "django_content_type", "django_migrations"]
  description = "Tables that `migrate` has filled already"

  validation {
    condition     = alltrue([for table in var.excluded_tables : can(regex("^[a-z][a-z0-9_]*$", table))])
    error_message = "excluded_tables must be names of tables without a wildcard; name each one, so that no table is left behind by mistake."
  }
}

variable "account_roles" {
  type        = bool
  nullable    = false
  default     = true
  description = "Whether to make the two roles that DMS wants once an account, by names of its own; false for the second service"
}
