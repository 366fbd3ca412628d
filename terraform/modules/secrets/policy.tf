data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

# The role behind a session, since aws:PrincipalArn is the role's.
data "aws_iam_session_context" "current" {
  arn = data.aws_caller_identity.current.arn
}

locals {
  secrets = {
    service  = aws_secretsmanager_secret.service.arn
    database = aws_secretsmanager_secret.database.arn
  }
  rotators = concat(var.rotator_role_arns, data.aws_lambda_function.rotation[*].role)
  writers = {
    service  = var.manager_arns
    database = concat(var.manager_arns, local.rotators)
  }
}

# A policy of an identity may be too wide by mistake; what is denied here stays denied.
data "aws_iam_policy_document" "access" {
  for_each = local.secrets

  statement {
    sid       = "OnlyTheListedRead"
    effect    = "Deny"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [each.value]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = concat(var.reader_role_arns, local.writers[each.key])
    }
  }

  statement {
    sid       = "OnlyTheListedWrite"
    effect    = "Deny"
    actions   = ["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret", "secretsmanager:UpdateSecretVersionStage"]
    resources = [each.value]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = local.writers[each.key]
    }
  }
}

resource "aws_secretsmanager_secret_policy" "this" {
  for_each = length(var.reader_role_arns) > 0 ? local.secrets : {}

  secret_arn          = each.value
  policy              = data.aws_iam_policy_document.access[each.key].json
  block_public_policy = true

  # Terraform reads the service's version at each plan: who is not listed would lock himself out.
  lifecycle {
    precondition {
      condition     = contains(var.manager_arns, data.aws_iam_session_context.current.issuer_arn)
      error_message = "manager_arns must name whoever runs Terraform (${data.aws_iam_session_context.current.issuer_arn}) once reader_role_arns names somebody; add it, or this policy would lock Terraform out."
    }
  }
}
