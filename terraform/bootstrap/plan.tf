# Looks and changes nothing. SecurityAudit and ViewOnlyAccess read settings, not contents, unlike ReadOnlyAccess,
# which opens every bucket and log group; AWS keeps both up to date with new services.
data "aws_iam_policy_document" "plan" {
  #checkov:skip=CKV_AWS_356:these reads know no resource, or one whose name AWS makes up
  for_each = local.environments

  statement {
    sid       = "FindsState"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.state.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      # At `terraform init` the backend looks for workspaces below env:/.
      values = ["${each.key}/*", "env:/*"]
    }
  }

  statement {
    sid       = "ReadsState"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.state.arn}/${each.key}/*"]
  }

  # A plan takes the lock too, so as not to read while another writes.
  statement {
    sid       = "TakesLock"
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["${aws_s3_bucket.state.arn}/${each.key}/*.tflock"]
  }

  statement {
    sid       = "DecryptsState"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [module.keys.arns["state"]]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
  }

  # What the two managed policies leave out of what this ground is made of.
  statement {
    sid = "ReadsTheRest"
    actions = [
      "aps:DescribeAlertManagerDefinition", "aps:DescribeLoggingConfiguration", "aps:DescribeRuleGroupsNamespace", "aps:DescribeWorkspace", "aps:ListTagsForResource", "budgets:ListTagsForResource", "budgets:ViewBudget",
      "codeconnections:GetConnection", "codeconnections:ListTagsForResource", "codepipeline:ListTagsForResource",
      "codestar-connections:GetConnection", "codestar-connections:ListTagsForResource", "secretsmanager:GetRandomPassword", "serverlessrepo:GetApplication",
      "sns:GetSubscriptionAttributes",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "ReadsRotation"
    actions   = ["lambda:GetFunction"]
    resources = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}-${each.key}-*"]
  }

  # The provider asks for a secret's version with GetSecretValue at each refresh, even where the value is write-only
  # and kept in no state. So a plan can read this environment's secrets, and no other's.
  statement {
    sid       = "RefreshesSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:${var.name}-${each.key}/*"]
  }

  statement {
    sid       = "DecryptsSecrets"
    actions   = ["kms:Decrypt"]
    resources = ["arn:${local.partition}:kms:${local.region}:${local.account}:key/*"]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "ForAnyValue:StringEquals"
      variable = "kms:ResourceAliases"
      values   = ["alias/${var.name}-${each.key}/secrets"]
    }
  }

  # SecurityAudit may download a database's log.
  statement {
    sid       = "RefusesLogs"
    effect    = "Deny"
    actions   = ["rds:DownloadDBLogFilePortion", "rds:DownloadCompleteDBLogFile", "logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartQuery"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "plan" {
  for_each = local.environments

  name                 = "${var.name}-ci-${each.key}-plan"
  description          = "CI plans ${each.key} and looks for drift"
  assume_role_policy   = data.aws_iam_policy_document.trust["${each.key}-plan"].json
  permissions_boundary = aws_iam_policy.boundary[0].arn
}

resource "aws_iam_role_policy" "plan" {
  for_each = local.environments

  name   = "plans"
  role   = aws_iam_role.plan[each.key].name
  policy = data.aws_iam_policy_document.plan[each.key].json
}

resource "aws_iam_role_policies_exclusive" "plan" {
  for_each = local.environments

  role_name    = aws_iam_role.plan[each.key].name
  policy_names = [aws_iam_role_policy.plan[each.key].name]
}

# Attaches them, and detaches whatever else is found.
resource "aws_iam_role_policy_attachments_exclusive" "plan" {
  for_each = local.environments

  role_name   = aws_iam_role.plan[each.key].name
  policy_arns = ["arn:${local.partition}:iam::aws:policy/SecurityAudit", "arn:${local.partition}:iam::aws:policy/job-function/ViewOnlyAccess"]
}
