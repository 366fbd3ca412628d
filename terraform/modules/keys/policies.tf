# In a key policy "*" as resource means this key alone.
data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:the resource of a key policy is its own key
  #checkov:skip=CKV_AWS_111:the resource of a key policy is its own key
  #checkov:skip=CKV_AWS_356:the resource of a key policy is its own key
  for_each = var.purposes

  # Without the account a key whose administrators are deleted could never be changed again. It hands administration
  # to the account's IAM policies, and no use.
  statement {
    sid       = "AccountAdministers"
    actions   = local.administration
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.root]
    }
  }

  dynamic "statement" {
    for_each = length(var.administrators) > 0 ? [var.administrators] : []

    content {
      sid       = "RolesAdminister"
      actions   = local.administration
      resources = ["*"]

      principals {
        type        = "AWS"
        identifiers = statement.value
      }
    }
  }

  # Whoever IAM allows, and only through the services that the purpose is for: a role that may read a secret can do so,
  # and cannot decrypt anything by itself.
  statement {
    sid       = "ServicesUse"
    actions   = local.use
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.root]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = local.via[each.key]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:CallerAccount"
      values   = [local.account]
    }
  }

  # A database or a disk is used long after the call that made it: the service keeps a grant. Nobody grants to a person.
  statement {
    sid       = "ServicesKeepGrants"
    actions   = ["kms:CreateGrant"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = [local.root]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = local.via[each.key]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:CallerAccount"
      values   = [local.account]
    }

    # EKS does not say it of its grants, and makes no cluster where a policy asks for it (its user guide, "Enable KMS").
    dynamic "condition" {
      for_each = each.key == "etcd" ? [] : ["true"]

      content {
        test     = "Bool"
        variable = "kms:GrantIsForAWSResource"
        values   = [condition.value]
      }
    }
  }

  dynamic "statement" {
    for_each = { for purpose, arns in var.users : purpose => arns if purpose == each.key && length(arns) > 0 }

    content {
      sid       = "RolesUse"
      actions   = local.use
      resources = ["*"]

      principals {
        type        = "AWS"
        identifiers = statement.value
      }
    }
  }

  dynamic "statement" {
    for_each = lookup(local.callers, each.key, {})

    content {
      sid       = statement.key
      actions   = statement.value.actions
      resources = ["*"]

      principals {
        type        = statement.value.type
        identifiers = statement.value.identifiers
      }

      dynamic "condition" {
        for_each = statement.value.conditions

        content {
          test     = condition.value.test
          variable = condition.key
          values   = condition.value.values
        }
      }
    }
  }
}
