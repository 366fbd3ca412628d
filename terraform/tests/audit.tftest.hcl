mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name             = "careway-production"
  audit_key_arn    = "arn:aws:kms:eu-central-1:111122223333:key/aaaaaaaa-2222-3333-4444-555555555555"
  logs_key_arn     = "arn:aws:kms:eu-central-1:111122223333:key/bbbbbbbb-2222-3333-4444-555555555555"
  alerts_topic_arn = "arn:aws:sns:eu-central-1:111122223333:careway-production-alerts"
}

run "trail" {
  command = plan

  module {
    source = "./modules/audit"
  }

  assert {
    condition     = aws_cloudtrail.this.is_multi_region_trail && aws_cloudtrail.this.include_global_service_events && aws_cloudtrail.this.enable_log_file_validation && aws_cloudtrail.this.enable_logging
    error_message = "The trail covers every region and the global services, is on, and its files can be validated."
  }

  assert {
    condition     = aws_cloudtrail.this.name == "careway-production" && aws_cloudtrail.this.kms_key_id == var.audit_key_arn
    error_message = "The trail bears the environment's name, which the key's policy expects, and is encrypted by the key for audit."
  }

  assert {
    condition = [for selector in aws_cloudtrail.this.advanced_event_selector : selector.name] == [
      "Every management event", "Reads and deletions of the record",
    ]
    error_message = "The trail records all management events and access to the record."
  }

  assert {
    condition = one([
      for field in aws_cloudtrail.this.advanced_event_selector[1].field_selector : one(field.not_equals) if field.field == "eventName"
    ]) == "PutObject"
    error_message = "The trail does not record its own writing, which would never end."
  }

  assert {
    condition     = aws_cloudwatch_log_group.trail.kms_key_id == var.logs_key_arn && aws_cloudwatch_log_group.trail.retention_in_days == 365
    error_message = "The trail can be searched for a year in an encrypted log group."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.trail.statement).resources == toset(["${aws_cloudwatch_log_group.trail.arn}:log-stream:111122223333_CloudTrail_*"])
    error_message = "The trail's role writes its own streams alone."
  }

  assert {
    condition     = one(one(one(data.aws_iam_policy_document.trail_trust.statement).condition).values) == "arn:aws:cloudtrail:eu-central-1:111122223333:trail/careway-production"
    error_message = "The trail's role serves this trail alone."
  }

  assert {
    condition     = aws_iam_role_policies_exclusive.trail.policy_names == toset(["writes-log-group"]) && length(aws_iam_role_policy_attachments_exclusive.trail.policy_arns) == 0
    error_message = "A policy added to the trail's role by hand is drift."
  }
}

run "buckets" {
  command = plan

  module {
    source = "./modules/audit"
  }

  assert {
    condition     = aws_s3_bucket.this["trail"].bucket == "careway-production-audit-111122223333" && aws_s3_bucket.this["config"].bucket == "careway-production-config-111122223333"
    error_message = "The buckets are named after the environment and the account."
  }

  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.this : !bucket.force_destroy && !bucket.object_lock_enabled])
    error_message = "Destroying does not delete the record, and there is no lock unless asked for."
  }

  assert {
    condition     = alltrue([for versioning in aws_s3_bucket_versioning.this : versioning.versioning_configuration[0].status == "Enabled"]) && length(aws_s3_bucket_versioning.this) == 2
    error_message = "Both buckets are versioned."
  }

  assert {
    condition = alltrue([
      for encryption in aws_s3_bucket_server_side_encryption_configuration.this :
      one(one(encryption.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.audit_key_arn
    ]) && length(aws_s3_bucket_server_side_encryption_configuration.this) == 2
    error_message = "Both buckets are encrypted by the key for audit."
  }

  assert {
    condition = alltrue([
      for block in aws_s3_bucket_public_access_block.this : block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ]) && length(aws_s3_bucket_public_access_block.this) == 2
    error_message = "Neither bucket can be made public."
  }

  assert {
    condition     = alltrue([for lifecycle in aws_s3_bucket_lifecycle_configuration.this : lifecycle.rule[0].expiration[0].days == 2190])
    error_message = "The record is kept for six years unless told otherwise."
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.bucket :
      alltrue([for sid in ["RefusesPlainHttp", "RefusesOldTls"] : contains([for s in document.statement : s.sid if s.effect == "Deny"], sid)])
    ])
    error_message = "Both buckets refuse plain HTTP and TLS below 1.2."
  }

  assert {
    condition = alltrue([
      for s in data.aws_iam_policy_document.bucket["trail"].statement :
      one([for c in s.condition : one(c.values) if c.variable == "aws:SourceArn"]) == "arn:aws:cloudtrail:eu-central-1:111122223333:trail/careway-production"
      if s.effect != "Deny"
    ])
    error_message = "Only this trail may write to the trail's bucket."
  }

  assert {
    condition     = length([for s in data.aws_iam_policy_document.bucket["config"].statement : s if s.effect != "Deny"]) == 0
    error_message = "Nobody is let into the bucket of Config by its policy: its role writes."
  }

  assert {
    condition     = length(aws_s3_bucket_object_lock_configuration.trail) == 0
    error_message = "Without object_lock_days nothing is locked."
  }
}

run "object_lock_and_watched_buckets" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    object_lock_days    = 365
    object_lock_mode    = "COMPLIANCE"
    retention_days      = 400
    watched_bucket_arns = ["arn:aws:s3:::careway-state-111122223333"]
  }

  assert {
    condition     = aws_s3_bucket.this["trail"].object_lock_enabled && !aws_s3_bucket.this["config"].object_lock_enabled
    error_message = "The lock is on the trail alone: Config does not deliver to a bucket that locks."
  }

  assert {
    condition = (
      aws_s3_bucket_object_lock_configuration.trail[0].rule[0].default_retention[0].mode == "COMPLIANCE" &&
      aws_s3_bucket_object_lock_configuration.trail[0].rule[0].default_retention[0].days == 365
    )
    error_message = "Each file of the trail is locked as asked for."
  }

  assert {
    condition = one([
      for field in aws_cloudtrail.this.advanced_event_selector[2].field_selector : one(field.starts_with) if field.field == "resources.ARN"
    ]) == "arn:aws:s3:::careway-state-111122223333/"
    error_message = "The trail records what happens in a watched bucket."
  }
}
