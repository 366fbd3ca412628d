# Costs by the sample taken in and by the query. Who may write is the collector's role, in the module identity.
resource "aws_prometheus_workspace" "this" {
  count = var.metrics ? 1 : 0

  alias       = var.name
  kms_key_arn = var.metrics_key_arn

  logging_configuration {
    log_group_arn = "${aws_cloudwatch_log_group.prometheus[0].arn}:*"
  }
}

resource "aws_prometheus_rule_group_namespace" "this" {
  for_each = var.metrics_rules

  workspace_id = aws_prometheus_workspace.this[0].id
  name         = each.key
  data         = each.value
}

# Every alert to the topic, one message for what belongs together, again after four hours. The topic is the only
# receiver that AWS knows.
resource "aws_prometheus_alert_manager_definition" "this" {
  count = var.metrics ? 1 : 0

  workspace_id = aws_prometheus_workspace.this[0].id
  definition = yamlencode({
    alertmanager_config = yamlencode({
      route = {
        receiver        = "alerts"
        group_by        = ["alertname", "namespace"]
        group_wait      = "30s"
        group_interval  = "5m"
        repeat_interval = "4h"
      }
      receivers = [{
        name = "alerts"
        sns_configs = [{
          topic_arn     = aws_sns_topic.alerts.arn
          sigv4         = { region = local.region }
          send_resolved = true
          subject       = "Careway ${var.name}"
        }]
      }]
    })
  })

  depends_on = [aws_sns_topic_policy.alerts]
}
