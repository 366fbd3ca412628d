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

run "refuses_a_bad_name" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    name = "audit!"
  }

  expect_failures = [var.name]
}

run "refuses_an_alias_as_audit_key" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    audit_key_arn = "alias/careway-production/audit"
  }

  expect_failures = [var.audit_key_arn]
}

run "refuses_an_alias_as_logs_key" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    logs_key_arn = "alias/careway-production/logs"
  }

  expect_failures = [var.logs_key_arn]
}

run "refuses_what_is_no_topic" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    alerts_topic_arn = "oncall@example.org"
  }

  expect_failures = [var.alerts_topic_arn]
}

run "refuses_a_short_retention" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    retention_days = 7
  }

  expect_failures = [var.retention_days]
}

run "refuses_a_negative_lock" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    object_lock_days = -1
  }

  expect_failures = [var.object_lock_days]
}

run "refuses_a_lock_longer_than_the_retention" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    object_lock_days = 3000
  }

  expect_failures = [var.object_lock_days]
}

run "refuses_an_unknown_lock_mode" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    object_lock_mode = "LEGAL_HOLD"
  }

  expect_failures = [var.object_lock_mode]
}

run "refuses_a_period_that_cloudwatch_does_not_offer" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    log_retention_days = 100
  }

  expect_failures = [var.log_retention_days]
}

run "refuses_a_watched_path" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    watched_bucket_arns = ["arn:aws:s3:::careway-state-111122223333/*"]
  }

  expect_failures = [var.watched_bucket_arns]
}

run "refuses_an_unknown_alarm" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    alarms_off = ["everything"]
  }

  expect_failures = [var.alarms_off]
}

run "refuses_no_refused_call_at_all" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    unauthorized_calls = 0
  }

  expect_failures = [var.unauthorized_calls]
}

run "refuses_a_severity_that_no_finding_has" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    guardduty_severity = 9.5
  }

  expect_failures = [var.guardduty_severity]
}

run "refuses_an_unknown_rule" {
  command = plan

  module {
    source = "./modules/audit"
  }

  variables {
    config_rules_off = ["no-such-rule"]
  }

  expect_failures = [var.config_rules_off]
}
