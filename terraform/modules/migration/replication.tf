resource "aws_dms_replication_instance" "this" {
  replication_instance_id     = local.identifier
  replication_instance_class  = var.instance_class
  allocated_storage           = var.allocated_gib
  kms_key_arn                 = var.key_arn
  multi_az                    = var.multi_az
  publicly_accessible         = false
  replication_subnet_group_id = aws_dms_replication_subnet_group.this.id
  vpc_security_group_ids      = [aws_security_group.this.id]
  auto_minor_version_upgrade  = true
  apply_immediately           = true
}

# Of authorities, which are public.
resource "aws_dms_certificate" "this" {
  for_each = {
    source = var.source_database.ca_pem
    target = var.target_database.ca_pem
  }

  certificate_id  = "${local.identifier}-${each.key}"
  certificate_pem = each.value
}

resource "aws_dms_endpoint" "source" {
  endpoint_id                     = "${local.identifier}-source"
  endpoint_type                   = "source"
  engine_name                     = "postgres"
  database_name                   = var.source_database.database
  secrets_manager_arn             = var.source_database.secret_arn
  secrets_manager_access_role_arn = aws_iam_role.secrets.arn
  kms_key_arn                     = var.key_arn
  ssl_mode                        = "verify-full"
  certificate_arn                 = aws_dms_certificate.this["source"].certificate_arn

  # A beat, so that the slot of a quiet database does not hold its WAL back until the disk is full.
  postgres_settings {
    heartbeat_enable    = true
    heartbeat_frequency = 5
    heartbeat_schema    = "public"
    plugin_name         = "test_decoding"
    capture_ddls        = false
  }

  depends_on = [aws_iam_role_policy.secrets]
}

resource "aws_dms_endpoint" "target" {
  endpoint_id                     = "${local.identifier}-target"
  endpoint_type                   = "target"
  engine_name                     = "postgres"
  database_name                   = var.target_database.database
  secrets_manager_arn             = var.target_database.secret_arn
  secrets_manager_access_role_arn = aws_iam_role.secrets.arn
  kms_key_arn                     = var.key_arn
  ssl_mode                        = "verify-full"
  certificate_arn                 = aws_dms_certificate.this["target"].certificate_arn

  # Neither triggers nor foreign keys: tables come in no order, and history comes as the rows that it is.
  postgres_settings {
    after_connect_script = "SET session_replication_role = 'replica'"
  }

  depends_on = [aws_iam_role_policy.secrets]
}
