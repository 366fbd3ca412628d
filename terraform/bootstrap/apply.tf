# Broad, since Terraform makes and deletes everything of an environment; bounded by boundary.tf. What it may do in IAM is
# limited to the names that begin with the environment's, which stops mistakes. A role that it makes bears no boundary, so
# who controls it controls the account: README.md.
data "aws_iam_policy_document" "apply" {
  #checkov:skip=CKV_AWS_109:IAM is limited to names that begin with the environment's, and by the boundary
  #checkov:skip=CKV_AWS_110:IAM is limited to names that begin with the environment's, and by the boundary
  for_each = local.environments

  statement {
    sid = "ManagesRoles"
    actions = [
      "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePermissionsBoundary", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
      "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
      "iam:UpdateRoleDescription",
    ]
    resources = local.roles[each.key]
  }

  statement {
    sid       = "PassesRoles"
    actions   = ["iam:PassRole"]
    resources = local.roles[each.key]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = local.passed_to
    }
  }

  statement {
    sid = "ManagesPolicies"
    actions = [
      "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:TagPolicy",
      "iam:UntagPolicy",
    ]
    resources = ["${local.iam}:policy/${var.name}-${each.key}-*"]
  }

  statement {
    sid = "ManagesInstanceProfiles"
    actions = [
      "iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile",
      "iam:TagInstanceProfile", "iam:UntagInstanceProfile",
    ]
    resources = ["${local.iam}:instance-profile/${var.name}-${each.key}-*"]
  }

  # For clusters with roles for service accounts (IRSA).
  statement {
    sid = "ManagesClusterIssuers"
    actions = [
      "iam:AddClientIDToOpenIDConnectProvider", "iam:CreateOpenIDConnectProvider", "iam:DeleteOpenIDConnectProvider",
      "iam:RemoveClientIDFromOpenIDConnectProvider", "iam:TagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider",
      "iam:UpdateOpenIDConnectProviderThumbprint",
    ]
    resources = ["${local.iam}:oidc-provider/oidc.eks.*"]
  }

  # The bootstrap's too: who writes what an administrator applies next is one.
  statement {
    sid       = "RefusesOtherState"
    effect    = "Deny"
    actions   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject"]
    resources = [for other in local.others[each.key] : "${aws_s3_bucket.state.arn}/${other}/*"]
  }
}

locals {
  # AWS fixes the names of the two roles of its migration service.
  roles = {
    for environment in local.environments : environment => [
      "${local.iam}:role/${var.name}-${environment}-*", "${local.iam}:role/dms-vpc-role", "${local.iam}:role/dms-cloudwatch-logs-role",
    ]
  }
  others = { for environment in local.environments : environment => setunion(setsubtract(var.environments, [environment]), ["bootstrap"]) }

  # In China some services are named with that partition's suffix.
  passed_to = distinct(flatten([
    for service in [
      "backup", "cloudtrail", "codebuild", "codepipeline", "config", "dms", "ec2", "eks", "events", "lambda", "monitoring.rds", "pods.eks", "vpc-flow-logs",
    ] : ["${service}.amazonaws.com", "${service}.${local.dns_suffix}"]
  ]))
}

resource "aws_iam_role" "apply" {
  for_each = local.environments

  name                 = "${var.name}-ci-${each.key}-apply"
  description          = "CI applies ${each.key} after approval"
  assume_role_policy   = data.aws_iam_policy_document.trust["${each.key}-apply"].json
  permissions_boundary = aws_iam_policy.boundary[0].arn
  # A cluster and a database with a standby take most of an hour.
  max_session_duration = 7200
}

resource "aws_iam_role_policy" "apply" {
  for_each = local.environments

  name   = "manages-iam"
  role   = aws_iam_role.apply[each.key].name
  policy = data.aws_iam_policy_document.apply[each.key].json
}

resource "aws_iam_role_policies_exclusive" "apply" {
  for_each = local.environments

  role_name    = aws_iam_role.apply[each.key].name
  policy_names = [aws_iam_role_policy.apply[each.key].name]
}

resource "aws_iam_role_policy_attachments_exclusive" "apply" {
  for_each = local.environments

  role_name   = aws_iam_role.apply[each.key].name
  policy_arns = ["arn:${local.partition}:iam::aws:policy/PowerUserAccess", "arn:${local.partition}:iam::aws:policy/IAMReadOnlyAccess"]
}
