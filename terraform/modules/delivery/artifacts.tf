locals {
  pipelines = var.pipeline == null ? 0 : 1
}

# What the stages hand on to each other, which is of no use to anybody later: it goes with the pipeline.
#trivy:ignore:AVD-AWS-0089 a log of accesses to it would be a second bucket; CloudTrail knows who used the key
resource "aws_s3_bucket" "artifacts" {
  #checkov:skip=CKV_AWS_18:What lies here for a month can be built again; CloudTrail knows who used the key
  #checkov:skip=CKV_AWS_144:What lies here can be built again from the source
  #checkov:skip=CKV2_AWS_62:The pipeline itself knows when something arrives
  count = local.pipelines

  bucket        = "${var.name}-delivery-${local.account}"
  force_destroy = true
}

resource "aws_s3_bucket_ownership_controls" "artifacts" {
  count = local.pipelines

  bucket = aws_s3_bucket.artifacts[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  count = local.pipelines

  bucket                  = aws_s3_bucket.artifacts[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "artifacts" {
  count = local.pipelines

  bucket = aws_s3_bucket.artifacts[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "artifacts" {
  count = local.pipelines

  bucket = aws_s3_bucket.artifacts[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "artifacts" {
  count = local.pipelines

  bucket = aws_s3_bucket.artifacts[0].id

  rule {
    id     = "a-month"
    status = "Enabled"

    filter {}

    expiration {
      days = 30
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.artifacts]
}

data "aws_iam_policy_document" "artifacts" {
  count = local.pipelines

  statement {
    sid       = "TLSOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.bucket_arn, "${local.bucket_arn}/*"]

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
}

resource "aws_s3_bucket_policy" "artifacts" {
  count = local.pipelines

  bucket = aws_s3_bucket.artifacts[0].id
  policy = data.aws_iam_policy_document.artifacts[0].json

  depends_on = [aws_s3_bucket_public_access_block.artifacts]
}
