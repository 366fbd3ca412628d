mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name           = "careway-dev"
  services       = ["clinical", "genomics"]
  logs_key_arn   = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  alerts_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
}

run "values_of_a_wrong_form" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    name                 = "careway-"
    metrics_key_arn      = "alias/metrics"
    logs_key_arn         = "alias/logs"
    retention_days       = 100
    traces_encryption    = { key_arn = "alias/traces" }
    alerts_key_arn       = "alias/alerts"
    alert_emails         = ["on-call"]
    budget               = { monthly_limit_usd = 500, emails = ["finance"] }
    cost_allocation_tags = ["aws:createdBy"]
  }

  expect_failures = [
    var.name,
    var.metrics_key_arn,
    var.logs_key_arn,
    var.retention_days,
    var.traces_encryption,
    var.alerts_key_arn,
    var.alert_emails,
    var.budget,
    var.cost_allocation_tags,
  ]
}

run "no_service_and_no_money" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    services = []
    budget   = { monthly_limit_usd = 0 }
  }

  expect_failures = [var.services, var.budget]
}

run "names_too_long_for_traces" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    traces   = true
    services = ["consultations-of-patients"]
  }

  expect_failures = [var.services]
}

run "rules_that_are_none" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    metrics       = true
    metrics_rules = { slo = "groups: []" }
  }

  expect_failures = [var.metrics_rules]
}

run "rules_without_a_workspace" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    metrics_rules = { slo = "groups: [{name: slo, rules: []}]" }
  }

  expect_failures = [var.metrics_rules]
}

run "a_budget_for_too_many" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    budget = { monthly_limit_usd = 500, emails = [for person in range(11) : "finance-${person}@example.org"] }
  }

  expect_failures = [var.budget]
}

run "a_service_in_capitals" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    services = ["Genomics"]
  }

  expect_failures = [var.services]
}
