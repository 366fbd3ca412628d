locals {
  deploys_from_github = try(var.github.deploy_environment, null) != null
  deploys             = var.hub != null || local.deploys_from_github
}

data "aws_iam_policy_document" "deploy_trust" {
  dynamic "statement" {
    for_each = var.hub[*]
    iterator = hub

    content {
      sid     = "RolesOfTheHub"
      actions = ["sts:AssumeRole"]

      principals {
        type        = "AWS"
        identifiers = [for role in hub.value.role_names : "arn:${local.partition}:iam::${hub.value.account_id}:role/${role}"]
      }

      dynamic "condition" {
        for_each = hub.value.external_id[*]

        content {
          test     = "StringEquals"
          variable = "sts:ExternalId"
          values   = [condition.value]
        }
      }

      dynamic "condition" {
        for_each = hub.value.organization_id[*]

        content {
          test     = "StringEquals"
          variable = "aws:PrincipalOrgID"
          values   = [condition.value]
        }
      }
    }
  }

  dynamic "statement" {
    for_each = local.deploys_from_github ? [var.github] : []
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
        values   = ["repo:${github.value.repository}:environment:${github.value.deploy_environment}"]
      }

      condition {
        test     = "StringEquals"
        variable = "${local.github_issuer}:aud"
        values   = ["sts.amazonaws.com"]
      }
    }
  }
}

# What it may do in the cluster is in the access entry that names it.
data "aws_iam_policy_document" "deploy" {
  source_policy_documents = [data.aws_iam_policy_document.pull.json]

  statement {
    sid       = "FindTheCluster"
    actions   = ["eks:DescribeCluster"]
    resources = [var.cluster_arn]
  }
}
