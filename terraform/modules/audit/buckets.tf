# One bucket for the trail, one for Config, since Config does not deliver to a bucket that locks its objects.
locals {
  buckets = merge(
    { trail = "${var.name}-audit-${local.account}" },
    local.config ? { config = "${var.name}-config-${local.account}" } : {},
  )
}

#trivy:ignore:AVD-AWS-0089 the trail itself records access, as the first skip says
resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:the trail itself records reads and deletions here, see trail.tf; a bucket for access logs cannot be encrypted by our key
  #checkov:skip=CKV_AWS_144:a copy in another region belongs to the organization's log archive, not to an environment
  #checkov:skip=CKV2_AWS_62:nothing acts on new objects; alarms come from the log group
  for_each = local.buckets

  bucket = each.value
  # Only at creation: to switch it on later makes a new bucket.
  object_lock_enabled = each.key == "trail" && var.object_lock_days > 0
  force_destroy       = var.force_destroy
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    # A key of the bucket's own for a while, in place of a call to KMS for each of the many small files.
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.audit_key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# No colder storage: the files are too small for it, and moving each would cost more than it saves.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.retention_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_object_lock_configuration" "trail" {
  count = var.object_lock_days > 0 ? 1 : 0

  bucket = aws_s3_bucket_versioning.this["trail"].bucket

  rule {
    default_retention {
      mode = var.object_lock_mode
      days = var.object_lock_days
    }
  }
}
