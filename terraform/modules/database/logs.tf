# Made before the instance, which would make them without our key and for ever.
resource "aws_cloudwatch_log_group" "this" {
  for_each = local.logs

  name              = "/aws/rds/instance/${local.identifier}/${each.key}"
  kms_key_id        = var.logs_key_arn
  retention_in_days = var.log_retention_days
}
