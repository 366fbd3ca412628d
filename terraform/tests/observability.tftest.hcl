mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name           = "careway-dev"
  services       = ["clinical", "genomics"]
  logs_key_arn   = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  alerts_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/22222222-2222-3333-4444-555555555555"
}

run "by_default_logs_and_alerts" {
  command = plan

  module {
    source = "./modules/observability"
  }

  assert {
    condition = output.log_group_names == {
      clinical = "/careway/careway-dev/clinical"
      genomics = "/careway/careway-dev/genomics"
    }
    error_message = "Each service has a log group."
  }

  assert {
    condition = alltrue([for group in aws_cloudwatch_log_group.service :
    group.kms_key_id == var.logs_key_arn && group.retention_in_days == 365])
    error_message = "Logs are encrypted by our key and kept a year."
  }

  assert {
    condition     = length(output.log_group_arns) == 2 && alltrue([for arn in output.log_group_arns : startswith(arn, "arn:aws:logs:")])
    error_message = "The collector's role learns both groups."
  }

  assert {
    condition     = aws_sns_topic.alerts.kms_master_key_id == var.alerts_key_arn && output.alerts_topic_arn == aws_sns_topic.alerts.arn
    error_message = "Alerts are encrypted by our key."
  }

  assert {
    condition = (
      length(aws_prometheus_workspace.this) == 0 && length(aws_xray_encryption_config.this) == 0 && length(aws_xray_group.service) == 0 &&
      length(aws_budgets_budget.monthly) == 0 && length(aws_ce_cost_allocation_tag.this) == 0
    )
    error_message = "What costs or holds for the whole account has to be asked for."
  }

  assert {
    condition     = output.metrics_workspace_arn == null && output.metrics_remote_write_url == null && output.metrics_query_url == null
    error_message = "No workspace, no address."
  }
}

run "only_this_account_publishes" {
  command = plan

  module {
    source = "./modules/observability"
  }

  assert {
    condition = toset(flatten([for statement in data.aws_iam_policy_document.alerts.statement :
      [for principal in statement.principals : principal.identifiers] if statement.effect != "Deny"])) == toset([
      "budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com",
    ])
    error_message = "Budgets, alarms and events publish, and nobody else."
  }

  assert {
    condition = alltrue([for statement in data.aws_iam_policy_document.alerts.statement :
      toset([for condition in statement.condition : condition.variable]) == toset(["aws:SourceAccount", "aws:SourceArn"]) &&
      contains(flatten([for condition in statement.condition : condition.values]), "111122223333")
    if !contains(["PublishEvents", "TlsOnly"], statement.sid)])
    error_message = "They publish on behalf of this account."
  }

  assert {
    condition = alltrue([for statement in data.aws_iam_policy_document.alerts.statement :
    length(statement.condition) == 0 if statement.sid == "PublishEvents"])
    error_message = "EventBridge publishes under a condition, which it does not meet."
  }

  assert {
    condition = one([for statement in data.aws_iam_policy_document.alerts.statement :
    one(statement.condition).variable if statement.effect == "Deny"]) == "aws:SecureTransport"
    error_message = "Nothing is published without TLS."
  }
}

run "everything_switched_on" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    metrics              = true
    metrics_key_arn      = "arn:aws:kms:eu-central-1:111122223333:key/33333333-2222-3333-4444-555555555555"
    metrics_rules        = { slo = "groups: [{name: slo, rules: []}]" }
    traces               = true
    traces_encryption    = { key_arn = "arn:aws:kms:eu-central-1:111122223333:key/44444444-2222-3333-4444-555555555555" }
    retention_days       = 30
    alert_emails         = ["on-call@example.org"]
    cost_allocation_tags = ["Environment", "Project"]
    budget = {
      monthly_limit_usd = 500
      emails            = ["finance@example.org"]
      tag               = { key = "Environment", value = "dev" }
    }
  }

  assert {
    condition = (
      aws_prometheus_workspace.this[0].alias == "careway-dev" && aws_prometheus_workspace.this[0].kms_key_arn == var.metrics_key_arn &&
      aws_prometheus_workspace.this[0].logging_configuration[0].log_group_arn == "${aws_cloudwatch_log_group.prometheus[0].arn}:*"
    )
    error_message = "The workspace is encrypted by our key and logs to our group."
  }

  assert {
    condition = (
      aws_cloudwatch_log_group.prometheus[0].kms_key_id == var.logs_key_arn &&
      aws_cloudwatch_log_group.prometheus[0].retention_in_days == 30 &&
      alltrue([for group in aws_cloudwatch_log_group.service : group.retention_in_days == 30])
    )
    error_message = "All logs are kept as long as asked."
  }

  assert {
    condition = (
      output.metrics_remote_write_url == "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-made-up/api/v1/remote_write" &&
      output.metrics_query_url == "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-made-up/api/v1/query"
    )
    error_message = "The collector and Grafana learn their addresses."
  }

  assert {
    condition = yamldecode(yamldecode(aws_prometheus_alert_manager_definition.this[0].definition).alertmanager_config).receivers[0].sns_configs[0] == {
      topic_arn     = aws_sns_topic.alerts.arn
      sigv4         = { region = "eu-central-1" }
      send_resolved = true
      subject       = "Careway careway-dev"
    }
    error_message = "The alert manager sends everything to the topic."
  }

  assert {
    condition     = aws_prometheus_rule_group_namespace.this["slo"].data == var.metrics_rules["slo"]
    error_message = "The workspace evaluates the rules that were passed."
  }

  assert {
    condition = contains(flatten([for statement in data.aws_iam_policy_document.alerts.statement :
      [for condition in statement.condition : condition.values if condition.variable == "aws:SourceArn"]
    if statement.sid == "PublishAps"]), aws_prometheus_workspace.this[0].arn)
    error_message = "The workspace, and no other, publishes to the topic."
  }

  assert {
    condition = (
      aws_xray_encryption_config.this[0].type == "KMS" && aws_xray_encryption_config.this[0].key_id == var.traces_encryption.key_arn &&
      aws_xray_group.service["genomics"].filter_expression == "service(\"careway-genomics\")" &&
      aws_xray_group.service["genomics"].group_name == "careway-dev-genomics"
    )
    error_message = "Traces are encrypted by our key and seen by service."
  }

  assert {
    condition     = [for subscription in aws_sns_topic_subscription.email : "${subscription.protocol} ${subscription.endpoint}"] == ["email on-call@example.org"]
    error_message = "Who is on call gets the alerts."
  }

  assert {
    condition = (
      aws_budgets_budget.monthly[0].limit_amount == "500" && aws_budgets_budget.monthly[0].limit_unit == "USD" &&
      aws_budgets_budget.monthly[0].time_unit == "MONTHLY" &&
      one(aws_budgets_budget.monthly[0].cost_filter).name == "TagKeyValue" &&
      one(aws_budgets_budget.monthly[0].cost_filter).values == tolist(["user:Environment$dev"])
    )
    error_message = "The budget counts a month of what carries the tag."
  }

  assert {
    condition = {
      for notification in aws_budgets_budget.monthly[0].notification : notification.notification_type => notification.threshold
      if notification.subscriber_email_addresses == toset(["finance@example.org"]) &&
      notification.subscriber_sns_topic_arns == toset([aws_sns_topic.alerts.arn]) && notification.threshold_type == "PERCENTAGE"
    } == { ACTUAL = 80, FORECASTED = 100 }
    error_message = "A warning at 80 % spent and at 100 % forecast, to the topic and by e-mail."
  }

  assert {
    condition = (
      toset(keys(aws_ce_cost_allocation_tag.this)) == toset(["Environment", "Project"]) &&
      alltrue([for tag in aws_ce_cost_allocation_tag.this : tag.status == "Active"])
    )
    error_message = "The tags are switched on for the bill."
  }
}

run "a_budget_of_the_whole_account" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    logs   = false
    traces = true
    budget = { monthly_limit_usd = 99.5 }
  }

  assert {
    condition     = length(aws_budgets_budget.monthly[0].cost_filter) == 0 && aws_budgets_budget.monthly[0].limit_amount == "99.5"
    error_message = "Without a tag everything counts."
  }

  assert {
    condition     = length(aws_xray_encryption_config.this) == 0 && length(aws_xray_group.service) == 2
    error_message = "Without a key of ours X-Ray's setting is left alone."
  }

  assert {
    condition     = output.log_group_names == {} && output.log_group_arns == []
    error_message = "No logs, no groups."
  }
}
