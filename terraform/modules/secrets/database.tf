locals {
  # The function's naming: it knows no other pair than a user and the same with _clone.
  user = "careway_${var.service}_app"
}

# Terraform never knows its value. The first one is written by hand (README), the following by rotation.
resource "aws_secretsmanager_secret" "database" {
  #checkov:skip=CKV2_AWS_57:rotation is a switch, since it can begin only after the first value is written
  name                    = "${local.path}/database"
  description             = "User and password with which the service ${var.service} logs in to its database"
  kms_key_id              = var.key_arn
  recovery_window_in_days = var.recovery_days
}
