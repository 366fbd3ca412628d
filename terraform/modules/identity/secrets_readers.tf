# One role a service. It is trusted to one of two, never to both: to the controller, for a SecretStore that names the role
# (the chart's secrets.external.store), or by IRSA to the account that the chart makes (secrets.external.roleArn).
locals {
  issuer       = trimprefix(coalesce(var.oidc_issuer_url, "none"), "https://")
  read_by_irsa = { for service, each in var.services : service => each if each.secrets_via == "irsa" }
  reader_trusts = merge(
    { for service in keys(var.services) : service => data.aws_iam_policy_document.controller_of_secrets.json },
    { for service in keys(local.read_by_irsa) : service => data.aws_iam_policy_document.account_of_service[service].json },
  )
}

data "aws_iam_policy_document" "account_of_service" {
  for_each = local.read_by_irsa

  statement {
    sid     = "AccountOfTheService"
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [var.oidc_provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["system:serviceaccount:${each.value.namespace}:${coalesce(each.value.secrets_service_account, "${each.key}-secrets")}"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "secrets_reader" {
  for_each = var.services

  # By path and not by list: secretsmanager:ListSecrets knows no resources, so it would show every service's names.
  statement {
    sid       = "ReadOwnPath"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    resources = [each.value.secret_path_arn]
  }

  # The key is every service's. Which of them may open what is in the context that Secrets Manager encrypts with.
  statement {
    sid       = "DecryptOwnPath"
    actions   = ["kms:Decrypt"]
    resources = [var.secrets_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:SecretARN"
      values   = [each.value.secret_path_arn]
    }
  }
}
