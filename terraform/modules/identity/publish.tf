locals {
  publishes     = try(var.github.publish_environment, null) != null
  github_issuer = try(split("oidc-provider/", var.github.provider_arn)[1], "")
}

# The subject names repository and environment, so who may run is what the environment's own rules say: branches, reviewers.
data "aws_iam_policy_document" "publish_trust" {
  dynamic "statement" {
    for_each = local.publishes ? [var.github] : []
    iterator = github

    content {
      sid     = "OneEnvironmentOfOneRepository"
      actions = ["sts:AssumeRoleWithWebIdentity"]

      principals {
        type        = "Federated"
        identifiers = [github.value.provider_arn]
      }

      condition {
        test     = "StringEquals"
        variable = "${local.github_issuer}:sub"
        values   = ["repo:${github.value.repository}:environment:${github.value.publish_environment}"]
      }

      condition {
        test     = "StringEquals"
        variable = "${local.github_issuer}:aud"
        values   = ["sts.amazonaws.com"]
      }
    }
  }
}

# What docs/operating.md names for a push. Nothing deletes, and nothing changes a repository.
data "aws_iam_policy_document" "publish" {
  source_policy_documents = [data.aws_iam_policy_document.pull.json]

  statement {
    sid = "Push"
    actions = [
      "ecr:CompleteLayerUpload",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = var.registry_arns
  }
}

data "aws_iam_policy_document" "pull" {
  # It knows no resources; a token may do what the role may.
  statement {
    sid       = "LogIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "Pull"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = var.registry_arns
  }
}
