# An endpoint's policy grants nothing. It bounds what may pass, so that a foreign credential brought into a pod cannot
# carry data to a foreign account: principals of this account only, and resources of this account wherever the service
# names them. `own` are actions on our resources, `any` those for which AWS knows no resource or ECR holds it (the images
# of EKS's add-ons lie in registries of AWS).
locals {
  pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"]

  endpoint_actions = {
    "aps-workspaces"       = { own = ["aps:*"], any = [] }
    "autoscaling"          = { own = ["autoscaling:*"], any = ["autoscaling:Describe*"] }
    "ec2"                  = { own = ["ec2:*"], any = ["ec2:Describe*"] }
    "ecr.api"              = { own = [], any = local.pull }
    "ecr.dkr"              = { own = [], any = local.pull }
    "eks"                  = { own = ["eks:*"], any = [] }
    "elasticloadbalancing" = { own = ["elasticloadbalancing:*"], any = ["elasticloadbalancing:Describe*"] }
    "kms"                  = { own = ["kms:*"], any = [] }
    "logs"                 = { own = ["logs:*"], any = [] }
    "rds"                  = { own = [], any = ["rds:DescribeDBInstances"] }
    "secretsmanager"       = { own = ["secretsmanager:*"], any = ["secretsmanager:GetRandomPassword"] }
    "sts"                  = { own = ["sts:AssumeRole", "sts:TagSession"], any = ["sts:GetCallerIdentity"] }
    "xray"                 = { own = [], any = ["xray:GetSampling*", "xray:PutTelemetryRecords", "xray:PutTraceSegments"] }
  }

  # AWS does not say that these take a policy. The first hands out credentials of Pod Identity, to nodes of ours alone; the
  # second has the cluster's key set, whose name the endpoint of eks would hide from all that is in the VPC.
  without_policy = ["eks-auth", "oidc-eks"]

  own_roles = "arn:${local.partition}:iam::${local.account}:role/*"
}

data "aws_iam_policy_document" "interface_endpoint" {
  for_each = var.endpoints ? setsubtract(var.interface_endpoints, local.without_policy) : []

  dynamic "statement" {
    for_each = length(local.endpoint_actions[each.key].own) > 0 ? [local.endpoint_actions[each.key].own] : []

    content {
      sid     = "OwnResources"
      actions = statement.value
      resources = [
        each.key == "sts" ? local.own_roles :
        "arn:${local.partition}:${split(":", statement.value[0])[0]}:${local.region}:${local.account}:*",
      ]

      principals {
        type        = "AWS"
        identifiers = ["*"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:PrincipalAccount"
        values   = [local.account]
      }
    }
  }

  dynamic "statement" {
    for_each = length(local.endpoint_actions[each.key].any) > 0 ? [local.endpoint_actions[each.key].any] : []

    content {
      sid       = "WithoutResource"
      actions   = statement.value
      resources = ["*"]

      principals {
        type        = "AWS"
        identifiers = ["*"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:PrincipalAccount"
        values   = [local.account]
      }
    }
  }

  # Who comes with a token of the cluster (IRSA) has no account yet; the role that is asked for has.
  dynamic "statement" {
    for_each = each.key == "sts" ? [local.own_roles] : []

    content {
      sid       = "TokensForOwnRoles"
      actions   = ["sts:AssumeRoleWithWebIdentity"]
      resources = [statement.value]

      principals {
        type        = "*"
        identifiers = ["*"]
      }
    }
  }
}

data "aws_iam_policy_document" "s3_endpoint" {
  statement {
    sid = "OwnBuckets"
    actions = [
      "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket",
      "s3:ListMultipartUploadParts", "s3:PutObject",
    ]
    resources = ["arn:${local.partition}:s3:::*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    # The name of a bucket does not tell its account, so a condition does.
    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [local.account]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceAccount"
      values   = [local.account]
    }
  }

  # Links to layers are signed by ECR itself, or by nobody, so the one who asks is not of this account. registry.k8s.io keeps
  # its layers in a bucket of each region, and what is in S3 here is reached by this endpoint alone.
  statement {
    sid     = "ImageLayers"
    actions = ["s3:GetObject"]
    resources = [
      "arn:${local.partition}:s3:::prod-${local.region}-starport-layer-bucket/*",
      "arn:${local.partition}:s3:::prod-registry-k8s-io-${local.region}/*",
    ]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}
