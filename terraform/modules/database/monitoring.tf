data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

# For this instance alone, so that nobody else's monitoring borrows it.
data "aws_iam_policy_document" "monitoring_trust" {
  statement {
    sid     = "EnhancedMonitoring"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["arn:${data.aws_partition.current.partition}:rds:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:db:${local.identifier}"]
    }
  }
}

locals {
  monitoring_policy = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

resource "aws_iam_role" "monitoring" {
  count = var.monitoring_seconds > 0 ? 1 : 0

  name               = "${local.identifier}-monitoring"
  description        = "Enhanced monitoring of the database of ${var.service}"
  assume_role_policy = data.aws_iam_policy_document.monitoring_trust.json
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  count = var.monitoring_seconds > 0 ? 1 : 0

  role       = aws_iam_role.monitoring[0].name
  policy_arn = local.monitoring_policy
}

resource "aws_iam_role_policy_attachments_exclusive" "monitoring" {
  count = var.monitoring_seconds > 0 ? 1 : 0

  role_name   = aws_iam_role.monitoring[0].name
  policy_arns = [aws_iam_role_policy_attachment.monitoring[0].policy_arn]
}

resource "aws_iam_role_policies_exclusive" "monitoring" {
  count = var.monitoring_seconds > 0 ? 1 : 0

  role_name    = aws_iam_role.monitoring[0].name
  policy_names = []
}
