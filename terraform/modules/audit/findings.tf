# Findings go to the same topic as the alarms.
locals {
  findings = merge(
    local.guardduty ? {
      guardduty = {
        description = "Findings of GuardDuty from severity ${var.guardduty_severity}"
        pattern = {
          source      = ["aws.guardduty"]
          detail-type = ["GuardDuty Finding"]
          detail      = { severity = [{ numeric = [">=", var.guardduty_severity] }] }
        }
        paths    = { title = "$.detail.title", severity = "$.detail.severity", region = "$.region", id = "$.detail.id" }
        template = "\"GuardDuty, severity <severity>, in <region>: <title>. Finding <id>.\""
      }
    } : {},
    local.config ? {
      config = {
        description = "Rules of AWS Config that are broken"
        pattern = {
          source      = ["aws.config"]
          detail-type = ["Config Rules Compliance Change"]
          detail = {
            messageType         = ["ComplianceChangeNotification"]
            newEvaluationResult = { complianceType = ["NON_COMPLIANT"] }
          }
        }
        paths    = { rule = "$.detail.configRuleName", type = "$.detail.resourceType", resource = "$.detail.resourceId", region = "$.region" }
        template = "\"AWS Config, in <region>: <type> <resource> breaks the rule <rule>.\""
      }
    } : {},
  )
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.findings

  name          = "${var.name}-${each.key}-findings"
  description   = each.value.description
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.findings

  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = "alerts"
  arn       = var.alerts_topic_arn

  input_transformer {
    input_paths    = each.value.paths
    input_template = each.value.template
  }
}
