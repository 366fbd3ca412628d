# Once an account and region, as GuardDuty is.
data "aws_iam_policy_document" "config_trust" {
  statement {
    sid     = "ConfigAssumes"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["config.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

data "aws_iam_policy_document" "config" {
  count = local.config ? 1 : 0

  statement {
    sid       = "LooksAtItsBucket"
    actions   = ["s3:GetBucketAcl", "s3:ListBucket"]
    resources = [aws_s3_bucket.this["config"].arn]
  }

  statement {
    sid       = "WritesToItsBucket"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.this["config"].arn}/AWSLogs/${local.account}/Config/*"]
  }

  statement {
    sid       = "EncryptsWhatItWrites"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = [var.audit_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "config" {
  count = local.config ? 1 : 0

  name               = "${var.name}-config"
  description        = "AWS Config reads what the account holds and delivers it to its bucket"
  assume_role_policy = data.aws_iam_policy_document.config_trust.json
}

resource "aws_iam_role_policy" "config" {
  count = local.config ? 1 : 0

  name   = "delivers"
  role   = aws_iam_role.config[0].name
  policy = data.aws_iam_policy_document.config[0].json
}

resource "aws_iam_role_policy_attachment" "config" {
  count = local.config ? 1 : 0

  role       = aws_iam_role.config[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AWS_ConfigRole"
}

resource "aws_iam_role_policies_exclusive" "config" {
  count = local.config ? 1 : 0

  role_name    = aws_iam_role.config[0].name
  policy_names = [aws_iam_role_policy.config[0].name]
}

resource "aws_iam_role_policy_attachments_exclusive" "config" {
  count = local.config ? 1 : 0

  role_name   = aws_iam_role.config[0].name
  policy_arns = [aws_iam_role_policy_attachment.config[0].policy_arn]
}

resource "aws_config_configuration_recorder" "this" {
  count = local.config ? 1 : 0

  name     = var.name
  role_arn = aws_iam_role.config[0].arn

  # Everything, IAM too: each change recorded costs, so an account with many short-lived nodes pays for their network interfaces.
  recording_group {
    all_supported                 = true
    include_global_resource_types = true
  }
}

resource "aws_config_delivery_channel" "this" {
  count = local.config ? 1 : 0

  name           = var.name
  s3_bucket_name = aws_s3_bucket.this["config"].id
  s3_kms_key_arn = var.audit_key_arn

  snapshot_delivery_properties {
    delivery_frequency = "TwentyFour_Hours"
  }

  depends_on = [aws_config_configuration_recorder.this, aws_iam_role_policy.config, aws_s3_bucket_policy.this]
}

resource "aws_config_configuration_recorder_status" "this" {
  count = local.config ? 1 : 0

  name       = aws_config_configuration_recorder.this[0].name
  is_enabled = true

  depends_on = [aws_config_delivery_channel.this]
}
