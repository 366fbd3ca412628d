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

run "alarms" {
  command = plan

  module {
    source = "./modules/audit"
  }

  assert {
    condition = alltrue([
      for alarm in [
        "root_use", "sign_in_without_mfa", "sign_in_failures", "unauthorized_calls", "access_keys", "iam_policy_changes", "trail_changes",
        "detection_changes", "key_deletion", "bucket_policy_changes", "security_group_changes", "network_acl_changes", "route_changes",
      ] : contains(output.alarm_names, "careway-production-audit-${alarm}")
    ])
    error_message = "Every event that the README promises rings."
  }

  assert {
    condition = alltrue([
      for key, alarm in aws_cloudwatch_metric_alarm.this : (
        alarm.alarm_actions == toset([var.alerts_topic_arn]) && alarm.treat_missing_data == "notBreaching" &&
        alarm.metric_name == aws_cloudwatch_log_metric_filter.this[key].metric_transformation[0].name &&
        alarm.namespace == aws_cloudwatch_log_metric_filter.this[key].metric_transformation[0].namespace
      )
    ])
    error_message = "Each alarm watches the metric of its own filter and tells the topic."
  }

  assert {
    condition     = alltrue([for filter in aws_cloudwatch_log_metric_filter.this : length(filter.pattern) <= 1024 && filter.log_group_name == "/aws/cloudtrail/careway-production"])
    error_message = "Each filter reads the trail's log group, with a pattern that CloudWatch accepts."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["root_use"].threshold == 1 && aws_cloudwatch_metric_alarm.this["unauthorized_calls"].threshold == 20
    error_message = "The root user rings at once, refused calls when there are many."
  }

  assert {
    condition = alltrue([
      strcontains(aws_cloudwatch_log_metric_filter.this["root_use"].pattern, "$.userIdentity.type = \"Root\""),
      strcontains(aws_cloudwatch_log_metric_filter.this["key_deletion"].pattern, "\"ScheduleKeyDeletion\""),
      strcontains(aws_cloudwatch_log_metric_filter.this["key_deletion"].pattern, "\"DisableKey\""),
      strcontains(aws_cloudwatch_log_metric_filter.this["trail_changes"].pattern, "\"StopLogging\""),
      strcontains(aws_cloudwatch_log_metric_filter.this["iam_policy_changes"].pattern, "\"AttachRolePolicy\""),
      strcontains(aws_cloudwatch_log_metric_filter.this["security_group_changes"].pattern, "\"AuthorizeSecurityGroupIngress\""),
      strcontains(aws_cloudwatch_log_metric_filter.this["network_acl_changes"].pattern, "\"ReplaceNetworkAclEntry\""),
      strcontains(aws_cloudwatch_log_metric_filter.this["route_changes"].pattern, "\"ReplaceRoute\""),
      strcontains(aws_cloudwatch_log_metric_filter.this["sign_in_without_mfa"].pattern, "MFAUsed != \"Yes\""),
    ])
    error_message = "The filters look for the events that they are named after."
  }
}

run "alarms_off" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    alarms_off         = ["security_group_changes"]
    unauthorized_calls = 50
  }

  assert {
    condition     = !contains(output.alarm_names, "careway-production-audit-security_group_changes") && length(output.alarm_names) == 12
    error_message = "An alarm that is not wanted is left out, and no other."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["unauthorized_calls"].threshold == 50
    error_message = "The number of refused calls can be raised."
  }
}

run "detection" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    guardduty_severity = 7
  }

  assert {
    condition = { for feature, resource in aws_guardduty_detector_feature.this : feature => resource.status } == {
      EKS_AUDIT_LOGS         = "ENABLED"
      S3_DATA_EVENTS         = "ENABLED"
      RDS_LOGIN_EVENTS       = "ENABLED"
      EBS_MALWARE_PROTECTION = "DISABLED"
    } && aws_guardduty_detector.this[0].enable
    error_message = "GuardDuty watches the cluster's audit log, S3 and logins to databases, and scans no disk."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["guardduty"].event_pattern).detail.severity[0].numeric == [">=", 7]
    error_message = "Findings are told from the severity asked for."
  }

  assert {
    condition     = alltrue([for target in aws_cloudwatch_event_target.this : target.arn == var.alerts_topic_arn]) && keys(aws_cloudwatch_event_target.this) == ["config", "guardduty"]
    error_message = "Findings of both go to the topic."
  }

  assert {
    condition     = aws_config_configuration_recorder_status.this[0].is_enabled && aws_config_configuration_recorder.this[0].recording_group[0].all_supported && aws_config_configuration_recorder.this[0].recording_group[0].include_global_resource_types
    error_message = "Config records everything."
  }

  assert {
    condition     = aws_config_delivery_channel.this[0].s3_kms_key_arn == var.audit_key_arn
    error_message = "What Config delivers is encrypted by the key for audit."
  }

  assert {
    condition = alltrue([
      for rule in ["ENCRYPTED_VOLUMES", "RDS_STORAGE_ENCRYPTED", "INCOMING_SSH_DISABLED", "VPC_SG_OPEN_ONLY_TO_AUTHORIZED_PORTS", "ROOT_ACCOUNT_MFA_ENABLED", "S3_BUCKET_PUBLIC_READ_PROHIBITED"] :
      contains([for resource in aws_config_config_rule.this : one(resource.source).source_identifier], rule)
    ])
    error_message = "Config checks encryption, open ports, the root user and public buckets."
  }

  assert {
    condition     = aws_iam_role_policy_attachments_exclusive.config[0].policy_arns == toset(["arn:aws:iam::aws:policy/service-role/AWS_ConfigRole"])
    error_message = "A policy added to the role of Config by hand is drift."
  }

  assert {
    condition = alltrue([
      for s in data.aws_iam_policy_document.config[0].statement : !contains(s.resources, "*") && alltrue([for action in s.actions : !strcontains(action, "*")])
    ])
    error_message = "The role of Config writes to its own bucket alone."
  }
}

run "another_environment_of_the_account" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    account_wide = false
  }

  assert {
    condition = (
      length(aws_guardduty_detector.this) == 0 && length(aws_guardduty_detector_feature.this) == 0 &&
      length(aws_config_configuration_recorder.this) == 0 && length(aws_config_config_rule.this) == 0 && length(aws_cloudwatch_event_rule.this) == 0
    )
    error_message = "What exists once an account and region is left to the other environment."
  }

  assert {
    condition     = keys(aws_s3_bucket.this) == ["trail"] && output.detector_id == null && output.config_bucket_name == null
    error_message = "The trail stays, with a bucket of its own."
  }
}

run "config_off" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    config = false
  }

  assert {
    condition     = length(aws_config_configuration_recorder.this) == 0 && length(aws_iam_role.config) == 0 && length(aws_guardduty_detector.this) == 1
    error_message = "Config can be left out, and GuardDuty stays."
  }
}

run "config_rules_off" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    guardduty        = false
    config_rules_off = ["s3-bucket-ssl-requests-only"]
  }

  assert {
    condition     = !contains(keys(aws_config_config_rule.this), "s3-bucket-ssl-requests-only") && length(aws_config_config_rule.this) == 15
    error_message = "A rule that is not wanted is left out, and no other."
  }

  assert {
    condition     = length(aws_guardduty_detector.this) == 0 && length(aws_config_configuration_recorder.this) == 1
    error_message = "GuardDuty can be left out, and Config stays."
  }
}
