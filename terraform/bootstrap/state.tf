module "keys" {
  source = "../modules/keys"

  name     = "${var.name}-account"
  purposes = ["state"]
}

#trivy:ignore:AVD-AWS-0089 the trail of each environment records access, as the first skip says
resource "aws_s3_bucket" "state" {
  #checkov:skip=CKV_AWS_18:the trail of each environment records access, see watched_bucket_arns in modules/audit
  #checkov:skip=CKV_AWS_144:versions cover a mistake; what a lost region takes with it is rebuilt from code, not from its state
  #checkov:skip=CKV2_AWS_62:nothing acts on a new state
  bucket        = "${var.name}-state-${local.account}"
  force_destroy = false

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = module.keys.arns["state"]
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# The current state never expires. Lock files are made and deleted at each run, and leave versions behind.
resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket_versioning.state.bucket

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.state_version_days
    }

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

data "aws_iam_policy_document" "state" {
  dynamic "statement" {
    for_each = {
      RefusesPlainHttp = { test = "Bool", variable = "aws:SecureTransport", value = "false" }
      RefusesOldTls    = { test = "NumericLessThan", variable = "s3:TlsVersion", value = "1.2" }
    }

    content {
      sid       = statement.key
      effect    = "Deny"
      actions   = ["s3:*"]
      resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = statement.value.test
        variable = statement.value.variable
        values   = [statement.value.value]
      }
    }
  }

  # What a request asks for wins over the bucket's own key: `encrypt = true` of a backend asks for the key of S3.
  statement {
    sid       = "RefusesOtherEncryption"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.state.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-server-side-encryption"
      values   = ["AES256"]
    }
  }
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = data.aws_iam_policy_document.state.json

  # S3 refuses the two at once.
  depends_on = [aws_s3_bucket_public_access_block.state]
}
