# The controller of External Secrets reads nothing by itself. It takes the role that a SecretStore names, and may take none
# but these. ARNs are put together here, so that the plan of an empty account shows every policy in full.
locals {
  role_arns = "arn:${local.partition}:iam::${local.account}:role/${var.name}"

  read_by_controller = concat(["chart-reader"], [
    for service, each in var.services : "${service}-secrets-reader" if each.secrets_via == "pod-identity"
  ])
}

data "aws_iam_policy_document" "external_secrets" {
  # sts:TagSession too: Pod Identity's tags are transitive, so a session without it could take no other role.
  statement {
    sid       = "TakeReadersRoles"
    actions   = ["sts:AssumeRole", "sts:TagSession"]
    resources = [for role in local.read_by_controller : "${local.role_arns}-${role}"]
  }
}

data "aws_iam_policy_document" "controller_of_secrets" {
  statement {
    sid     = "ControllerOfExternalSecrets"
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "AWS"
      identifiers = ["${local.role_arns}-external-secrets"]
    }
  }
}
