locals {
  identifier = "${var.name}-${var.service}"
  port       = 5432
  username   = "careway_admin"
  logs       = toset(["postgresql", "upgrade"])

  # Minutes of the day, to see whether AWS would have to restart what it just copies.
  backup      = [for time in split("-", var.backup_window) : sum([for place, part in split(":", time) : tonumber(part) * [60, 1][place]])]
  maintenance = [for time in split("-", var.maintenance_window) : sum([for place, part in slice(split(":", time), 1, 3) : tonumber(part) * [60, 1][place]])]
  # How long each lasts, and how long after the other's beginning it begins.
  lasts = {
    backup      = (local.backup[1] - local.backup[0] + 1440) % 1440
    maintenance = (local.maintenance[1] - local.maintenance[0] + 1440) % 1440
  }
  windows_are_apart = (
    (local.maintenance[0] - local.backup[0] + 1440) % 1440 >= local.lasts.backup &&
    (local.backup[0] - local.maintenance[0] + 1440) % 1440 >= local.lasts.maintenance
  )
}

# It has no database of the service yet: that one belongs to the service's own role from its first moment (README).
resource "aws_db_instance" "this" {
  #checkov:skip=CKV2_AWS_69:TLS is forced by the parameter group (rds.force_ssl), whose list the scanner does not evaluate
  #checkov:skip=CKV_AWS_161:Careway logs in by a password that rotates; tokens of IAM are the switch iam_authentication
  #checkov:skip=CKV2_AWS_30:statements are not logged on purpose, since their values are patients' data (docs/operating.md)
  identifier     = local.identifier
  engine         = "postgres"
  engine_version = var.engine_version
  instance_class = var.instance_class

  storage_type          = "gp3"
  allocated_storage     = var.allocated_gib
  max_allocated_storage = var.max_allocated_gib
  storage_encrypted     = true
  kms_key_id            = var.key_arn

  username                            = local.username
  manage_master_user_password         = true
  master_user_secret_kms_key_id       = var.key_arn
  iam_database_authentication_enabled = var.iam_authentication

  port                   = local.port
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  publicly_accessible    = false
  multi_az               = var.multi_az
  ca_cert_identifier     = var.ca_certificate_identifier
  parameter_group_name   = aws_db_parameter_group.this.name

  backup_retention_period   = var.backup_days
  backup_window             = var.backup_window
  copy_tags_to_snapshot     = true
  delete_automated_backups  = !var.final_snapshot
  skip_final_snapshot       = !var.final_snapshot
  final_snapshot_identifier = var.final_snapshot ? "${local.identifier}-final" : null
  deletion_protection       = var.deletion_protection

  maintenance_window          = var.maintenance_window
  auto_minor_version_upgrade  = true
  allow_major_version_upgrade = false
  apply_immediately           = var.apply_immediately

  enabled_cloudwatch_logs_exports       = local.logs
  monitoring_interval                   = var.monitoring_seconds
  monitoring_role_arn                   = one(aws_iam_role.monitoring[*].arn)
  performance_insights_enabled          = var.performance_insights
  performance_insights_kms_key_id       = var.performance_insights ? var.key_arn : null
  performance_insights_retention_period = var.performance_insights ? var.performance_insights_days : null

  lifecycle {
    precondition {
      condition     = min(values(local.lasts)...) >= 30
      error_message = "backup_window and maintenance_window must last 30 minutes at least; move an end of the shorter one."
    }

    precondition {
      condition     = local.windows_are_apart
      error_message = "backup_window (${var.backup_window}) and maintenance_window (${var.maintenance_window}) must not overlap; move one of them."
    }

    precondition {
      condition     = var.final_snapshot || !var.deletion_protection
      error_message = "final_snapshot must be true where deletion_protection is; who protects the database wants its last snapshot too."
    }
  }

  depends_on = [
    aws_cloudwatch_log_group.this,
    aws_iam_role_policy_attachment.monitoring,
  ]
}
