resource "aws_cloudtrail" "this" {
  #checkov:skip=CKV_AWS_252:a message for each file delivered helps nobody; alarms.tf tells what matters
  name                          = var.name
  s3_bucket_name                = aws_s3_bucket.this["trail"].id
  kms_key_id                    = var.audit_key_arn
  enable_logging                = true
  enable_log_file_validation    = true
  is_multi_region_trail         = true
  include_global_service_events = true
  cloud_watch_logs_group_arn    = "${aws_cloudwatch_log_group.trail.arn}:*"
  cloud_watch_logs_role_arn     = aws_iam_role.trail.arn

  advanced_event_selector {
    name = "Every management event"

    field_selector {
      field  = "eventCategory"
      equals = ["Management"]
    }
  }

  # Who read or deleted what was recorded. Not who wrote it: that is CloudTrail, and each file would make another.
  advanced_event_selector {
    name = "Reads and deletions of the record"

    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }

    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }

    field_selector {
      field       = "resources.ARN"
      starts_with = [for bucket in aws_s3_bucket.this : "${bucket.arn}/"]
    }

    field_selector {
      field      = "eventName"
      not_equals = ["PutObject"]
    }
  }

  dynamic "advanced_event_selector" {
    for_each = length(var.watched_bucket_arns) > 0 ? [var.watched_bucket_arns] : []

    content {
      name = "Everything in watched buckets"

      field_selector {
        field  = "eventCategory"
        equals = ["Data"]
      }

      field_selector {
        field  = "resources.type"
        equals = ["AWS::S3::Object"]
      }

      field_selector {
        field       = "resources.ARN"
        starts_with = [for arn in advanced_event_selector.value : "${arn}/"]
      }
    }
  }

  depends_on = [aws_s3_bucket_policy.this, aws_iam_role_policy.trail]
}

resource "aws_cloudwatch_log_group" "trail" {
  name              = "/aws/cloudtrail/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

data "aws_iam_policy_document" "trail_trust" {
  statement {
    sid     = "TrailAssumes"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }
}

data "aws_iam_policy_document" "trail" {
  statement {
    sid       = "WritesItsStreams"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.trail.arn}:log-stream:${local.account}_CloudTrail_*"]
  }
}

resource "aws_iam_role" "trail" {
  name               = "${var.name}-trail-logs"
  description        = "CloudTrail writes the trail to its log group"
  assume_role_policy = data.aws_iam_policy_document.trail_trust.json
}

resource "aws_iam_role_policy" "trail" {
  name   = "writes-log-group"
  role   = aws_iam_role.trail.name
  policy = data.aws_iam_policy_document.trail.json
}

resource "aws_iam_role_policies_exclusive" "trail" {
  role_name    = aws_iam_role.trail.name
  policy_names = [aws_iam_role_policy.trail.name]
}

resource "aws_iam_role_policy_attachments_exclusive" "trail" {
  role_name   = aws_iam_role.trail.name
  policy_arns = []
}
