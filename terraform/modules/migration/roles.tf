data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

# Reading secrets is done by the service of the region, and not by dms.amazonaws.com.
data "aws_iam_policy_document" "secrets_trust" {
  statement {
    sid     = "ReplicationInstances"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["dms.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

data "aws_iam_policy_document" "secrets" {
  statement {
    sid       = "ReadBothUsers"
    actions   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    resources = [var.source_database.secret_arn, var.target_database.secret_arn]
  }

  statement {
    sid       = "DecryptThem"
    actions   = ["kms:Decrypt", "kms:DescribeKey"]
    resources = [var.secrets_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${data.aws_region.current.name}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "secrets" {
  name               = "${local.identifier}-secrets"
  description        = "Reads the users of both databases for the migration of ${var.service}"
  assume_role_policy = data.aws_iam_policy_document.secrets_trust.json
}

resource "aws_iam_role_policy" "secrets" {
  name   = "secrets"
  role   = aws_iam_role.secrets.id
  policy = data.aws_iam_policy_document.secrets.json
}

resource "aws_iam_role_policies_exclusive" "secrets" {
  role_name    = aws_iam_role.secrets.name
  policy_names = [aws_iam_role_policy.secrets.name]
}

resource "aws_iam_role_policy_attachments_exclusive" "secrets" {
  role_name   = aws_iam_role.secrets.name
  policy_arns = []
}
