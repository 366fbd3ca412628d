# No thumbprint: AWS checks GitHub's certificate against its own list of authorities.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.github != null && var.github_oidc ? 1 : 0

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_openid_connect_provider" "github" {
  count = var.github != null && !var.github_oidc ? 1 : 0

  url = "https://token.actions.githubusercontent.com"
}

locals {
  github_provider_arn = one(concat(
    aws_iam_openid_connect_provider.github[*].arn,
    data.aws_iam_openid_connect_provider.github[*].arn,
  ))

  environments = var.github == null ? toset([]) : toset(var.environments)

  # GitHub's environment ENV is the protected one. ENV-plan has no reviewers, and so cannot apply.
  subjects = merge([
    for environment in local.environments : {
      "${environment}-plan"  = ["repo:${var.github.repository}:environment:${environment}", "repo:${var.github.repository}:environment:${environment}-plan"]
      "${environment}-apply" = ["repo:${var.github.repository}:environment:${environment}"]
    }
  ]...)
}

data "aws_iam_policy_document" "trust" {
  for_each = local.subjects

  statement {
    sid     = "WorkflowAssumes"
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.github_provider_arn]
    }

    # Equals, not Like: the repository and its environment, and no branch or pull request beside them.
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:sub"
      values   = each.value
    }

    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}
