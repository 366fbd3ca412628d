# What runs in the cluster for everybody. Each takes its role by EKS Pod Identity, so nothing has to be written into its
# chart, and the role is bound to this cluster, one namespace and one service account.
locals {
  controllers = merge(
    {
      external-secrets         = var.service_accounts.external_secrets
      load-balancer-controller = var.service_accounts.load_balancer_controller
      autoscaler               = var.service_accounts.autoscaler
    },
    { for controller in ["collector"] : controller => var.service_accounts.collector if var.collector != null },
  )

  controller_policies = {
    external-secrets         = data.aws_iam_policy_document.external_secrets.json
    load-balancer-controller = data.aws_iam_policy_document.load_balancer_controller.json
    autoscaler               = data.aws_iam_policy_document.autoscaler.json
    collector                = data.aws_iam_policy_document.collector.json
  }
}

data "aws_iam_policy_document" "controller_trust" {
  for_each = local.controllers

  statement {
    sid     = "PodsOfOneServiceAccount"
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [var.cluster_arn]
    }

    # EKS tags each session by itself. Without these two, whoever may make associations gives the role to any pod.
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-namespace"
      values   = [each.value.namespace]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-service-account"
      values   = [each.value.name]
    }
  }
}

# Apart from the other roles, since those that read secrets trust one of these, which has to be there first.
resource "aws_iam_role" "controller" {
  for_each = local.controllers

  name                 = "${var.name}-${each.key}"
  description          = "Pods of ${each.value.namespace}/${each.value.name}"
  assume_role_policy   = data.aws_iam_policy_document.controller_trust[each.key].json
  max_session_duration = 3600
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "controller" {
  for_each = local.controllers

  name   = each.key
  role   = aws_iam_role.controller[each.key].name
  policy = local.controller_policies[each.key]
}

resource "aws_iam_role_policies_exclusive" "controller" {
  for_each = aws_iam_role_policy.controller

  role_name    = each.value.role
  policy_names = [each.value.name]
}

resource "aws_iam_role_policy_attachments_exclusive" "controller" {
  for_each = aws_iam_role.controller

  role_name   = each.value.name
  policy_arns = []
}

resource "aws_eks_pod_identity_association" "controller" {
  for_each = local.controllers

  cluster_name    = var.cluster_name
  namespace       = each.value.namespace
  service_account = each.value.name
  role_arn        = aws_iam_role.controller[each.key].arn
}
