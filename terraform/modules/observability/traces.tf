# One setting for the account and region, not for this environment: let one environment of an account own it. To destroy
# it changes nothing in X-Ray, which goes on encrypting with the key.
resource "aws_xray_encryption_config" "this" {
  count = var.traces && var.traces_encryption != null ? 1 : 0

  type   = "KMS"
  key_id = var.traces_encryption.key_arn
}

locals {
  # As services name themselves in what they tell: careway-genomics, whichever environment they are in.
  project = replace(var.name, "/-[^-]*$/", "")
}

# A view of one service's traces. Which share is traced is the chart's setting, so there is no sampling rule here; Insights
# cost by the trace and stay off.
resource "aws_xray_group" "service" {
  for_each = var.traces ? var.services : []

  group_name        = "${var.name}-${each.key}"
  filter_expression = "service(\"${local.project}-${each.key}\")"

  insights_configuration {
    insights_enabled      = false
    notifications_enabled = false
  }
}
