variable "name" {
  type        = string
  nullable    = false
  description = "Prefix of every name, such as careway-dev"

  # RDS takes no two hyphens in a row.
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,28}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must have 4 to 30 lower-case letters, digits and single hyphens, begin with a letter and end with no hyphen; shorten or rename it."
  }
}

variable "service" {
  type        = string
  nullable    = false
  description = "Service whose database this is, such as genomics"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,19}$", var.service))
    error_message = "service must have 2 to 20 lower-case letters and digits and begin with a letter; give the name that the chart has for it."
  }
}

variable "vpc_id" {
  type        = string
  nullable    = false
  description = "VPC of the database"
}

variable "subnet_ids" {
  type        = list(string)
  nullable    = false
  description = "Isolated subnets, at least two zones of them"

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name subnets of two zones at least; RDS takes no fewer, even for one zone."
  }
}

variable "client_security_group_ids" {
  type        = list(string)
  nullable    = false
  description = "Security groups that may open connections: the nodes', the rotation function's"

  validation {
    condition     = length(var.client_security_group_ids) >= 1
    error_message = "client_security_group_ids must name one security group at least; a database that nobody reaches serves nobody."
  }
}

variable "key_arn" {
  type        = string
  nullable    = false
  description = "KMS key of the storage, the snapshots, Performance Insights and the administrator's password"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.key_arn))
    error_message = "key_arn must be the ARN of a KMS key (not of an alias); take it from the module keys, purpose database."
  }
}

variable "logs_key_arn" {
  type        = string
  nullable    = false
  description = "KMS key of the logs in CloudWatch"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.logs_key_arn))
    error_message = "logs_key_arn must be the ARN of a KMS key (not of an alias); take it from the module keys, purpose logs."
  }
}

variable "log_retention_days" {
  type        = number
  nullable    = false
  default     = 365
  description = "Days that PostgreSQL's log is kept"

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a number that CloudWatch knows, such as 30, 90 or 365; take the next one."
  }
}

variable "engine_version" {
  type        = string
  nullable    = false
  default     = "18"
  description = "Version of PostgreSQL; 18 follows the minor versions that AWS installs, 18.N would be drift after each"

  validation {
    condition     = can(regex("^18([.][0-9]+)?$", var.engine_version))
    error_message = "engine_version must be 18 or 18.N; Careway refuses to serve from another major version."
  }
}

variable "instance_class" {
  type        = string
  nullable    = false
  description = "Size of the instance, such as db.m7g.large"

  validation {
    condition     = can(regex("^db[.][a-z0-9-]+[.][a-z0-9]+$", var.instance_class))
    error_message = "instance_class must be a class of RDS such as db.t4g.medium or db.m7g.large; take one that the region has for PostgreSQL 18."
  }
}

variable "allocated_gib" {
  type        = number
  nullable    = false
  default     = 20
  description = "Storage at first, in GiB"

  validation {
    condition     = var.allocated_gib >= 20 && var.allocated_gib <= 65536 && floor(var.allocated_gib) == var.allocated_gib
    error_message = "allocated_gib must be a whole number from 20 to 65536; gp3 has no less and no more."
  }
}

variable "max_allocated_gib" {
  type        = number
  nullable    = false
  default     = 100
  description = "How far the storage grows by itself, in GiB; it never shrinks"

  # RDS refuses to grow by less than a tenth.
  validation {
    condition     = var.max_allocated_gib >= var.allocated_gib * 1.1 && var.max_allocated_gib <= 65536
    error_message = "max_allocated_gib must be at least a tenth more than allocated_gib, and 65536 at most; raise it, so that a full disk stops nobody."
  }
}

variable "multi_az" {
  type        = bool
  nullable    = false
  default     = true
  description = "Whether a standby in another zone takes over"
}

variable "deletion_protection" {
  type        = bool
  nullable    = false
  default     = true
  description = "Whether AWS refuses to delete the database"
}

variable "final_snapshot" {
  type        = bool
  nullable    = false
  default     = true
  description = "Whether a deleted database leaves a snapshot and its automated backups"
}

variable "apply_immediately" {
  type        = bool
  nullable    = false
  default     = false
  description = "Whether changes wait for no maintenance window; some restart the database"
}

variable "backup_days" {
  type        = number
  nullable    = false
  default     = 7
  description = "Days to any second of which the database can be restored"

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35 && floor(var.backup_days) == var.backup_days
    error_message = "backup_days must be a whole number from 1 to 35; 0 would end point-in-time recovery, and AWS keeps no more."
  }
}

variable "backup_window" {
  type        = string
  nullable    = false
  default     = "01:30-02:30"
  description = "When the daily snapshot is taken, UTC"

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$", var.backup_window))
    error_message = "backup_window must look like 01:30-02:30 (UTC); write both times with two digits."
  }
}

variable "maintenance_window" {
  type        = string
  nullable    = false
  default     = "sun:03:00-sun:04:00"
  description = "When AWS may restart the database, UTC"

  validation {
    condition     = can(regex("^(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]-(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):[0-5][0-9]$", var.maintenance_window))
    error_message = "maintenance_window must look like sun:03:00-sun:04:00 (UTC); write days with three letters and times with two digits."
  }
}

variable "performance_insights" {
  type        = bool
  nullable    = false
  default     = true
  description = "Whether Performance Insights samples what the database waits for"
}

variable "performance_insights_days" {
  type        = number
  nullable    = false
  default     = 7
  description = "Days that Performance Insights keeps; more than 7 cost"

  validation {
    condition     = var.performance_insights_days == 7 || var.performance_insights_days == 731 || (var.performance_insights_days >= 31 && var.performance_insights_days <= 713 && var.performance_insights_days % 31 == 0)
    error_message = "performance_insights_days must be 7, a multiple of 31 up to 713, or 731; take 7, which costs nothing."
  }
}

variable "monitoring_seconds" {
  type        = number
  nullable    = false
  default     = 60
  description = "Seconds between two looks of enhanced monitoring at the machine, 0 for none"

  validation {
    condition     = contains([0, 1, 5, 10, 15, 30, 60], var.monitoring_seconds)
    error_message = "monitoring_seconds must be 0, 1, 5, 10, 15, 30 or 60; take 60, or 0 for none."
  }
}

variable "iam_authentication" {
  type        = bool
  nullable    = false
  default     = false
  description = "Whether users may log in by tokens of IAM; Careway logs in by password"
}

variable "ca_certificate_identifier" {
  type        = string
  nullable    = false
  default     = "rds-ca-rsa2048-g1"
  description = "Authority that signs the server's certificate; the clients' bundle has to hold it first"

  validation {
    condition     = can(regex("^rds-ca-(rsa2048|rsa4096|ecc384)-g[0-9]+$", var.ca_certificate_identifier))
    error_message = "ca_certificate_identifier must be an authority of RDS such as rds-ca-rsa2048-g1; list them by `aws rds describe-certificates`."
  }
}

variable "parameters" {
  type        = map(string)
  nullable    = false
  default     = {}
  description = "More parameters of PostgreSQL, such as max_connections; what keeps patients' data out of its log is fixed"

  validation {
    condition     = length(setintersection(keys(var.parameters), keys(local.fixed_parameters))) == 0
    error_message = "parameters must leave alone what is fixed (TLS, and what PostgreSQL may log); take these out: ${join(", ", setintersection(keys(var.parameters), keys(local.fixed_parameters)))}."
  }

  # Each of these writes statements or their values to the log.
  validation {
    condition     = !anytrue([for name in keys(var.parameters) : can(regex("^(auto_explain|pgaudit)[.]|^debug_print_|^rds[.]force_admin_logging_level$", name))])
    error_message = "parameters must not switch on what logs statements (auto_explain, pgaudit, debug_print_*, rds.force_admin_logging_level); take it out, the history and the access log have who did what."
  }

  validation {
    condition     = !can(regex("auto_explain|pgaudit", lookup(var.parameters, "shared_preload_libraries", "")))
    error_message = "parameters must not load auto_explain or pgaudit (shared_preload_libraries), which log statements with their values; take them out of the list."
  }
}
