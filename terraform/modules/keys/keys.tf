resource "aws_kms_key" "this" {
  for_each = var.purposes

  description             = "${var.name}: ${each.key}"
  policy                  = data.aws_iam_policy_document.key[each.key].json
  enable_key_rotation     = true
  rotation_period_in_days = 365
  # The longest that AWS gives: what a deleted key encrypted is lost, backups included.
  deletion_window_in_days = 30
}

resource "aws_kms_alias" "this" {
  for_each = var.purposes

  name          = "alias/${var.name}/${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}
