locals {
  pipeline_arn = "arn:${local.partition}:codepipeline:${local.region}:${local.account}:${var.name}"
  project_arns = [for build in keys(local.builds) : "arn:${local.partition}:codebuild:${local.region}:${local.account}:project/${var.name}-${build}"]
  bucket_arn   = "arn:${local.partition}:s3:::${var.name}-delivery-${local.account}"
}

data "aws_iam_policy_document" "pipeline_trust" {
  count = local.pipelines

  statement {
    sid     = "ThisPipeline"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["codepipeline.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.pipeline_arn]
    }
  }
}

data "aws_iam_policy_document" "pipeline" {
  count = local.pipelines

  source_policy_documents = [data.aws_iam_policy_document.artifacts_use[0].json]

  statement {
    sid       = "RunBuilds"
    actions   = ["codebuild:BatchGetBuilds", "codebuild:StartBuild"]
    resources = local.project_arns
  }

  dynamic "statement" {
    for_each = var.pipeline.approval_topic_arn[*]

    content {
      sid       = "AskForApproval"
      actions   = ["sns:Publish"]
      resources = [statement.value]
    }
  }

  # Who publishes to an encrypted topic needs its key himself.
  dynamic "statement" {
    for_each = var.pipeline.approval_key_arn[*]

    content {
      sid       = "EncryptWhatItAsks"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["sns.${local.region}.amazonaws.com"]
      }
    }
  }
}

# What pipeline and builds need alike: the source, and the bucket between them.
data "aws_iam_policy_document" "artifacts_use" {
  count = local.pipelines

  statement {
    sid       = "ReadTheSource"
    actions   = ["codeconnections:UseConnection", "codestar-connections:UseConnection"]
    resources = [var.pipeline.connection_arn]
  }

  statement {
    sid       = "HandOn"
    actions   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
    resources = ["${local.bucket_arn}/*"]
  }

  statement {
    sid       = "LookAtTheBucket"
    actions   = ["s3:GetBucketLocation", "s3:GetBucketVersioning"]
    resources = [local.bucket_arn]
  }

  statement {
    sid       = "UseTheKey"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
    resources = [var.key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "pipeline" {
  count = local.pipelines

  name                 = "${var.name}-delivery"
  description          = "The pipeline: runs the builds and hands on what they need"
  assume_role_policy   = data.aws_iam_policy_document.pipeline_trust[0].json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "pipeline" {
  count = local.pipelines

  name   = "delivery"
  role   = aws_iam_role.pipeline[0].name
  policy = data.aws_iam_policy_document.pipeline[0].json
}

resource "aws_iam_role_policies_exclusive" "pipeline" {
  count = local.pipelines

  role_name    = aws_iam_role.pipeline[0].name
  policy_names = [aws_iam_role_policy.pipeline[0].name]
}

resource "aws_iam_role_policy_attachments_exclusive" "pipeline" {
  count = local.pipelines

  role_name   = aws_iam_role.pipeline[0].name
  policy_arns = []
}
