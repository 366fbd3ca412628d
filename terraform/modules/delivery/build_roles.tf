# The builds' image, where it is one of ECR: ACCOUNT.dkr.ecr.REGION.…/NAME@sha256:…
locals {
  builder     = try(regex("^([0-9]{12})\\.dkr\\.ecr\\.([a-z0-9-]+)\\.[a-z.]+/([^@]+)@", var.pipeline.build_image), null)
  builder_arn = local.builder == null ? null : "arn:${local.partition}:ecr:${local.builder[1]}:${local.builder[0]}:repository/${local.builder[2]}"
}

data "aws_iam_policy_document" "build_trust" {
  for_each = local.builds

  statement {
    sid     = "ThisProject"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["codebuild.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:codebuild:${local.region}:${local.account}:project/${var.name}-${each.key}"]
    }
  }
}

data "aws_iam_policy_document" "build" {
  for_each = local.builds

  source_policy_documents = [data.aws_iam_policy_document.artifacts_use[0].json]

  statement {
    sid       = "WriteOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/codebuild/${var.name}-${each.key}:*"]
  }

  # It knows no resources; a token may do what the role may.
  dynamic "statement" {
    for_each = each.key == "publish" || local.builder_arn != null ? ["registry"] : []

    content {
      sid       = "LogIn"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = local.builder_arn[*]

    content {
      sid       = "PullTheBuilder"
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = [statement.value]
    }
  }

  # What docs/operating.md names for a push. Nothing deletes, and nothing changes a repository.
  dynamic "statement" {
    for_each = each.key == "publish" ? ["registry"] : []

    content {
      sid = "Push"
      actions = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
      ]
      resources = var.registry_arns
    }
  }
}

resource "aws_iam_role" "build" {
  for_each = local.builds

  name                 = "${var.name}-delivery-${each.key}"
  description          = "The build: ${each.value.description}"
  assume_role_policy   = data.aws_iam_policy_document.build_trust[each.key].json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "build" {
  for_each = local.builds

  name   = each.key
  role   = aws_iam_role.build[each.key].name
  policy = data.aws_iam_policy_document.build[each.key].json
}

resource "aws_iam_role_policies_exclusive" "build" {
  for_each = aws_iam_role_policy.build

  role_name    = each.value.role
  policy_names = [each.value.name]
}

resource "aws_iam_role_policy_attachments_exclusive" "build" {
  for_each = aws_iam_role.build

  role_name   = each.value.name
  policy_arns = []
}
