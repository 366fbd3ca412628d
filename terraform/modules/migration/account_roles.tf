# DMS looks for both by these very names, once an account, whatever the migration.
locals {
  account_roles = var.account_roles ? {
    dms-vpc-role             = "AmazonDMSVPCManagementRole"
    dms-cloudwatch-logs-role = "AmazonDMSCloudWatchLogsRole"
  } : {}
}

data "aws_iam_policy_document" "account_trust" {
  statement {
    sid     = "DatabaseMigrationService"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["dms.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "account" {
  for_each = local.account_roles

  name               = each.key
  description        = "What DMS asks for once an account"
  assume_role_policy = data.aws_iam_policy_document.account_trust.json
}

resource "aws_iam_role_policy_attachment" "account" {
  for_each = local.account_roles

  role       = aws_iam_role.account[each.key].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/${each.value}"
}

resource "aws_iam_role_policy_attachments_exclusive" "account" {
  for_each = local.account_roles

  role_name   = aws_iam_role.account[each.key].name
  policy_arns = [aws_iam_role_policy_attachment.account[each.key].policy_arn]
}

resource "aws_iam_role_policies_exclusive" "account" {
  for_each = local.account_roles

  role_name    = aws_iam_role.account[each.key].name
  policy_names = []
}
