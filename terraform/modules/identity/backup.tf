# No condition on the source: AWS Backup sends none that is documented, and nobody can pass a role to it from elsewhere.
data "aws_iam_policy_document" "backup_trust" {
  statement {
    sid     = "BackupService"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["backup.amazonaws.com"]
    }
  }
}

# Snapshots of this environment's databases. To restore is another role's, which a person makes on the day.
data "aws_iam_policy_document" "backup" {
  statement {
    sid     = "Snapshot"
    actions = ["rds:AddTagsToResource", "rds:CopyDBSnapshot", "rds:CreateDBSnapshot", "rds:DescribeDBInstances", "rds:DescribeDBSnapshots", "rds:ListTagsForResource"]
    resources = [
      "arn:${local.partition}:rds:${local.region}:${local.account}:db:${var.name}-*",
      "arn:${local.partition}:rds:${local.region}:${local.account}:snapshot:awsbackup:*",
    ]
  }

  statement {
    sid       = "DeleteWhatIsOver"
    actions   = ["rds:DeleteDBSnapshot"]
    resources = ["arn:${local.partition}:rds:${local.region}:${local.account}:snapshot:awsbackup:*"]
  }

  statement {
    sid       = "FillVaults"
    actions   = ["backup:CopyIntoBackupVault", "backup:DescribeBackupVault"]
    resources = ["arn:${local.partition}:backup:${local.region}:${local.account}:backup-vault:${var.name}*"]
  }

  # It knows no resources; plans choose by tag.
  statement {
    sid       = "FindByTag"
    actions   = ["tag:GetResources"]
    resources = ["*"]
  }

  dynamic "statement" {
    for_each = var.backup ? ["key"] : []

    content {
      sid       = "LookAtTheKey"
      actions   = ["kms:DescribeKey"]
      resources = [var.database_key_arn]
    }
  }

  dynamic "statement" {
    for_each = var.backup ? ["key"] : []

    content {
      sid       = "LendTheKeyToSnapshots"
      actions   = ["kms:CreateGrant"]
      resources = [var.database_key_arn]

      condition {
        test     = "Bool"
        variable = "kms:GrantIsForAWSResource"
        values   = ["true"]
      }

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["rds.${local.region}.amazonaws.com"]
      }
    }
  }
}
