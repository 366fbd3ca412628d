locals {
  # docs/operating.md, "PostgreSQL's own log": the log of a failed statement would hold the row. RDS writes off as 0.
  quiet_log = {
    log_error_verbosity               = "terse"
    log_min_error_statement           = "panic"
    log_statement                     = "none"
    log_min_duration_statement        = "-1"
    log_min_duration_sample           = "-1"
    log_transaction_sample_rate       = "0"
    log_duration                      = "0"
    log_parameter_max_length          = "0"
    log_parameter_max_length_on_error = "0"
  }
  fixed_parameters = merge(local.quiet_log, {
    "rds.force_ssl"          = "1"
    ssl_min_protocol_version = "TLSv1.2"
  })
}

# What keeps the log quiet takes effect at once. More parameters wait for a restart: RDS refuses "immediate" for static ones,
# and tells of TLS, which is its own default, that it waits: "immediate" would be drift for ever. The group is there before the
# instance starts, so TLS is forced from the first moment.
resource "aws_db_parameter_group" "this" {
  name        = "${local.identifier}-postgres18"
  family      = "postgres18"
  description = "TLS forced, and no patient's data in the log"

  dynamic "parameter" {
    for_each = local.fixed_parameters

    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = contains(keys(local.quiet_log), parameter.key) ? "immediate" : "pending-reboot"
    }
  }

  dynamic "parameter" {
    for_each = var.parameters

    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = "pending-reboot"
    }
  }
}
