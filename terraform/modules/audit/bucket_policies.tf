data "aws_iam_policy_document" "bucket" {
  for_each = aws_s3_bucket.this

  statement {
    sid       = "RefusesPlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value.arn, "${each.value.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "RefusesOldTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value.arn, "${each.value.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "NumericLessThan"
      variable = "s3:TlsVersion"
      values   = ["1.2"]
    }
  }

  # Without aws:SourceArn the trail of any account could write here by way of CloudTrail.
  dynamic "statement" {
    for_each = each.key == "trail" ? {
      TrailLooks  = { action = "s3:GetBucketAcl", resource = each.value.arn, acl = [] }
      TrailWrites = { action = "s3:PutObject", resource = "${each.value.arn}/AWSLogs/${local.account}/*", acl = ["bucket-owner-full-control"] }
    } : {}

    content {
      sid       = statement.key
      actions   = [statement.value.action]
      resources = [statement.value.resource]

      principals {
        type        = "Service"
        identifiers = ["cloudtrail.amazonaws.com"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = [local.trail_arn]
      }

      dynamic "condition" {
        for_each = length(statement.value.acl) > 0 ? [statement.value.acl] : []

        content {
          test     = "StringEquals"
          variable = "s3:x-amz-acl"
          values   = condition.value
        }
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = data.aws_iam_policy_document.bucket[each.key].json

  # S3 refuses the two at once.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
