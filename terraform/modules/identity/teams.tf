data "aws_iam_policy_document" "team_trust" {
  for_each = var.services

  statement {
    sid     = "Team"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = try(var.team_principals[each.key], [])
    }

    dynamic "condition" {
      for_each = var.team_mfa ? ["true"] : []

      content {
        test     = "Bool"
        variable = "aws:MultiFactorAuthPresent"
        values   = [condition.value]
      }
    }
  }
}

# In AWS a team finds the cluster and nothing else. What it sees there is its group's, in its namespace, by the chart's Role.
data "aws_iam_policy_document" "team" {
  statement {
    sid       = "FindTheCluster"
    actions   = ["eks:DescribeCluster"]
    resources = [var.cluster_arn]
  }
}
