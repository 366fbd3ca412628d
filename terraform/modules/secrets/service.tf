locals {
  path = coalesce(var.path, "${var.name}/${var.service}")
}

resource "aws_secretsmanager_secret" "service" {
  #checkov:skip=CKV2_AWS_57:the key signs cursors alone; a new one makes old cursors invalid, so it changes when somebody raises secret_key_version
  name                    = "${local.path}/service"
  description             = "What the service ${var.service} signs its cursors with"
  kms_key_id              = var.key_arn
  recovery_window_in_days = var.recovery_days
}

# Write-only: the key is given at each plan, and sent only when the version is another one.
resource "aws_secretsmanager_secret_version" "service" {
  secret_id                = aws_secretsmanager_secret.service.id
  secret_string_wo         = jsonencode({ "secret-key" = var.secret_key })
  secret_string_wo_version = var.secret_key_version
}
