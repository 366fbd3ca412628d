# Services that call KMS in their own name: kms:ViaService does not hold for them, so each is bound to this account's
# resources by what it states about the call.
locals {
  administration = [
    "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:DisableKey", "kms:DisableKeyRotation",
    "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants", "kms:ListKeyPolicies",
    "kms:ListKeyRotations", "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:RevokeGrant", "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
  ]
  use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"]

  # It must exist before a key policy names it; bootstrap/ makes it in an empty account.
  autoscaling = "arn:${local.partition}:iam::${local.account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"

  callers = {
    # Auto Scaling starts the nodes, and so opens their disks.
    disks = {
      AutoScalingUses = {
        type        = "AWS"
        identifiers = [local.autoscaling]
        actions     = local.use
        conditions  = {}
      }
      AutoScalingKeepsGrants = {
        type        = "AWS"
        identifiers = [local.autoscaling]
        actions     = ["kms:CreateGrant"]
        conditions  = { "kms:GrantIsForAWSResource" = { test = "Bool", values = ["true"] } }
      }
    }

    # Only log groups whose name holds ours; /aws/eks/NAME/cluster does, and a group that does not is refused its key.
    logs = {
      LogGroupsUse = {
        type        = "Service"
        identifiers = ["logs.${local.region}.${data.aws_partition.current.dns_suffix}"]
        actions     = local.use
        conditions = {
          "kms:EncryptionContext:aws:logs:arn" = {
            test   = "ArnLike"
            values = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*${var.name}*"]
          }
        }
      }
    }

    audit = {
      TrailEncrypts = {
        type        = "Service"
        identifiers = ["cloudtrail.amazonaws.com"]
        actions     = ["kms:GenerateDataKey", "kms:Decrypt"]
        conditions = {
          "aws:SourceArn" = { test = "ArnEquals", values = [local.trail] }
          "kms:EncryptionContext:aws:cloudtrail:arn" = {
            test   = "ArnLike"
            values = ["arn:${local.partition}:cloudtrail:*:${local.account}:trail/*"]
          }
        }
      }
      TrailDescribes = {
        type        = "Service"
        identifiers = ["cloudtrail.amazonaws.com"]
        actions     = ["kms:DescribeKey"]
        conditions  = { "aws:SourceArn" = { test = "ArnEquals", values = [local.trail] } }
      }
    }

    # EventBridge states no aws:SourceAccount when it publishes to an encrypted topic, so the topic itself is the bound.
    alerts = {
      TopicsTakeAlerts = {
        type        = "Service"
        identifiers = ["cloudwatch.amazonaws.com", "events.amazonaws.com", "budgets.amazonaws.com", "aps.amazonaws.com"]
        actions     = ["kms:GenerateDataKey", "kms:Decrypt"]
        conditions = {
          "kms:EncryptionContext:aws:sns:topicArn" = {
            test   = "ArnLike"
            values = ["arn:${local.partition}:sns:${local.region}:${local.account}:${var.name}*"]
          }
        }
      }
    }
  }

  # The name that modules/audit gives its trail.
  trail = "arn:${local.partition}:cloudtrail:${local.region}:${local.account}:trail/${var.name}"
}
