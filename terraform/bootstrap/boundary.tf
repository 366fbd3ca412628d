# What no workflow may do, whatever its policies say. It grants nothing by itself.
data "aws_iam_policy_document" "boundary" {
  #checkov:skip=CKV_AWS_107:a boundary grants nothing, it is the outermost line of what the roles' policies may grant
  #checkov:skip=CKV_AWS_108:a boundary grants nothing, it is the outermost line of what the roles' policies may grant
  #checkov:skip=CKV_AWS_109:a boundary grants nothing, it is the outermost line of what the roles' policies may grant
  #checkov:skip=CKV_AWS_110:a boundary grants nothing, it is the outermost line of what the roles' policies may grant
  #checkov:skip=CKV_AWS_111:a boundary grants nothing, it is the outermost line of what the roles' policies may grant
  #checkov:skip=CKV_AWS_356:a boundary grants nothing, it is the outermost line of what the roles' policies may grant
  count = var.github == null ? 0 : 1

  statement {
    sid         = "BoundsTheRest"
    not_actions = ["account:*", "organizations:*"]
    resources   = ["*"]
  }

  # No long-lived key anywhere: neither users nor anything that they sign in with.
  statement {
    sid    = "RefusesUsers"
    effect = "Deny"
    actions = [
      "iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachUserPolicy", "iam:CreateAccessKey", "iam:CreateGroup", "iam:CreateLoginProfile",
      "iam:CreateServiceSpecificCredential", "iam:CreateUser", "iam:PutGroupPolicy", "iam:PutUserPolicy", "iam:UpdateAccessKey",
      "iam:UpdateLoginProfile", "iam:UploadSigningCertificate", "iam:UploadSSHPublicKey",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "RefusesLeaving"
    effect    = "Deny"
    actions   = ["account:CloseAccount", "organizations:LeaveOrganization"]
    resources = ["*"]
  }

  # So an environment with a trail is not destroyed by CI, but by an engineer.
  statement {
    sid    = "RefusesBlindness"
    effect = "Deny"
    actions = [
      "cloudtrail:DeleteTrail", "cloudtrail:StopLogging", "config:DeleteConfigurationRecorder", "config:DeleteDeliveryChannel",
      "config:StopConfigurationRecorder", "guardduty:DeleteDetector", "s3:BypassGovernanceRetention",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "RefusesLosingTheLog"
    effect    = "Deny"
    actions   = ["logs:DeleteLogGroup"]
    resources = ["arn:${local.partition}:logs:*:${local.account}:log-group:/aws/cloudtrail/*"]
  }

  statement {
    sid       = "RefusesLosingTheAuditsKey"
    effect    = "Deny"
    actions   = ["kms:DisableKey", "kms:ScheduleKeyDeletion"]
    resources = ["*"]

    condition {
      test     = "ForAnyValue:StringLike"
      variable = "kms:ResourceAliases"
      values   = ["alias/${var.name}-*/audit"]
    }
  }

  statement {
    sid       = "RefusesAdministrators"
    effect    = "Deny"
    actions   = ["iam:AttachRolePolicy"]
    resources = ["*"]

    condition {
      test     = "ArnEquals"
      variable = "iam:PolicyARN"
      values   = [for policy in ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess"] : "arn:${local.partition}:iam::aws:policy/${policy}"]
    }
  }

  # The roles of CI, this boundary and the provider are changed from here alone.
  statement {
    sid    = "RefusesItself"
    effect = "Deny"
    actions = [
      "iam:AddClientIDToOpenIDConnectProvider", "iam:AttachRolePolicy", "iam:CreatePolicyVersion", "iam:CreateRole",
      "iam:DeleteOpenIDConnectProvider", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:DeleteRole", "iam:DeleteRolePermissionsBoundary",
      "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PassRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
      "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy", "iam:UpdateOpenIDConnectProviderThumbprint", "iam:UpdateRole",
    ]
    resources = [
      "${local.iam}:oidc-provider/token.actions.githubusercontent.com",
      "${local.iam}:policy/${var.name}-ci-*",
      "${local.iam}:role/${var.name}-ci-*",
    ]
  }

  statement {
    sid    = "RefusesLosingState"
    effect = "Deny"
    actions = [
      "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteObjectVersion", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock",
      "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
    ]
    resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
  }

  statement {
    sid       = "RefusesLosingStateKey"
    effect    = "Deny"
    actions   = ["kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"]
    resources = [module.keys.arns["state"]]
  }
}

resource "aws_iam_policy" "boundary" {
  count = var.github == null ? 0 : 1

  name        = "${var.name}-ci-boundary"
  description = "What no workflow may do, whatever its policies say"
  policy      = data.aws_iam_policy_document.boundary[0].json
}
