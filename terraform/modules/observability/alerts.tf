resource "aws_sns_topic" "alerts" {
  name              = "${var.name}-alerts"
  kms_master_key_id = var.alerts_key_arn
}

# Who of AWS may publish, and on behalf of what in this account. The key's policy has to let the same services use it, or
# nothing arrives and nobody is told.
locals {
  publishers = merge(
    {
      budgets    = "arn:${local.partition}:budgets::${local.account}:*"
      cloudwatch = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:*"
      events     = "arn:${local.partition}:events:${local.region}:${local.account}:rule/*"
    },
    { for workspace in aws_prometheus_workspace.this : "aps" => workspace.arn },
  )
}

data "aws_iam_policy_document" "alerts" {
  dynamic "statement" {
    for_each = local.publishers

    content {
      sid       = "Publish${title(statement.key)}"
      actions   = statement.key == "aps" ? ["sns:GetTopicAttributes", "sns:Publish"] : ["sns:Publish"]
      resources = [aws_sns_topic.alerts.arn]

      principals {
        type        = "Service"
        identifiers = ["${statement.key}.amazonaws.com"]
      }

      # EventBridge takes no condition in a topic's policy (its user guide): with one, findings are lost without a word.
      dynamic "condition" {
        for_each = statement.key == "events" ? {} : {
          "aws:SourceAccount" = { test = "StringEquals", value = local.account }
          "aws:SourceArn"     = { test = "ArnLike", value = statement.value }
        }

        content {
          test     = condition.value.test
          variable = condition.key
          values   = [condition.value.value]
        }
      }
    }
  }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alerts.arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sns_topic_policy" "alerts" {
  arn    = aws_sns_topic.alerts.arn
  policy = data.aws_iam_policy_document.alerts.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.alert_emails

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = each.key
}
