locals {
  collects = var.collector == null ? { metrics = false, logs = false, traces = false } : var.collector
}

# Writes alone: who reads metrics, logs and traces is not the collector.
data "aws_iam_policy_document" "collector" {
  dynamic "statement" {
    for_each = local.collects.metrics ? ["metrics"] : []

    content {
      sid       = "WriteMetrics"
      actions   = ["aps:RemoteWrite"]
      resources = [var.metrics_workspace_arn]
    }
  }

  dynamic "statement" {
    for_each = local.collects.logs ? ["logs"] : []

    content {
      sid       = "WriteLogs"
      actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      resources = [for arn in var.log_group_arns : "${arn}:*"]
    }
  }

  # X-Ray knows no resources for what is written to it.
  dynamic "statement" {
    for_each = local.collects.traces ? ["traces"] : []

    content {
      sid       = "WriteTraces"
      actions   = ["xray:PutTraceSegments"]
      resources = ["*"]
    }
  }
}
