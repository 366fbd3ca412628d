resource "aws_cloudwatch_log_group" "service" {
  #checkov:skip=CKV_AWS_338:how long logs are kept is the environment's choice (retention_days), and the default is a year
  for_each = var.logs ? var.services : []

  name              = "/careway/${var.name}/${each.key}"
  kms_key_id        = var.logs_key_arn
  retention_in_days = var.retention_days
}

# What the workspace itself has to say: a rule that cannot be evaluated, an alert that could not be delivered. Only below
# this prefix does AWS keep its own policy for such logs, which otherwise grows until it is full.
resource "aws_cloudwatch_log_group" "prometheus" {
  #checkov:skip=CKV_AWS_338:how long logs are kept is the environment's choice (retention_days), and the default is a year
  count = var.metrics ? 1 : 0

  name              = "/aws/vendedlogs/prometheus/${var.name}"
  kms_key_id        = var.logs_key_arn
  retention_in_days = var.retention_days
}
