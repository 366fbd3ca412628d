# What the module database promises.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  mock_resource "aws_security_group" {
    defaults = {
      id = "sg-database"
    }
  }
}

variables {
  name                      = "careway-dev"
  service                   = "genomics"
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-1", "subnet-2", "subnet-3"]
  client_security_group_ids = ["sg-nodes", "sg-rotation"]
  key_arn                   = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  logs_key_arn              = "arn:aws:kms:eu-central-1:111122223333:key/66666666-2222-3333-4444-555555555555"
  instance_class            = "db.t4g.medium"
}

run "a_database_that_is_safe_by_default" {
  command = plan

  module {
    source = "./modules/database"
  }

  assert {
    condition     = aws_db_instance.this.engine == "postgres" && aws_db_instance.this.engine_version == "18" && aws_db_instance.this.instance_class == "db.t4g.medium" && aws_db_instance.this.identifier == "careway-dev-genomics"
    error_message = "It is no PostgreSQL 18 of the service."
  }

  assert {
    condition     = aws_db_instance.this.storage_encrypted && aws_db_instance.this.kms_key_id == var.key_arn && aws_db_instance.this.storage_type == "gp3" && aws_db_instance.this.allocated_storage == 20 && aws_db_instance.this.max_allocated_storage == 100
    error_message = "The storage is not encrypted by our key, or does not grow."
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.master_user_secret_kms_key_id == var.key_arn && aws_db_instance.this.username == "careway_admin" && aws_db_instance.this.password == null && aws_db_instance.this.password_wo == null
    error_message = "RDS does not manage the administrator's password with our key."
  }

  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.db_subnet_group_name == "careway-dev-genomics" && aws_db_subnet_group.this.subnet_ids == toset(var.subnet_ids)
    error_message = "The database is not in the isolated subnets alone."
  }

  assert {
    condition     = aws_db_instance.this.multi_az && aws_db_instance.this.deletion_protection && aws_db_instance.this.backup_retention_period == 7 && aws_db_instance.this.copy_tags_to_snapshot
    error_message = "The defaults do not survive a zone, a mistake or a bad day."
  }

  assert {
    condition     = !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == "careway-dev-genomics-final" && !aws_db_instance.this.delete_automated_backups
    error_message = "A deleted database leaves no snapshot."
  }

  assert {
    condition     = aws_db_instance.this.auto_minor_version_upgrade && !aws_db_instance.this.allow_major_version_upgrade && !aws_db_instance.this.apply_immediately
    error_message = "Versions or changes come when nobody expects them."
  }

  assert {
    condition     = !aws_db_instance.this.iam_database_authentication_enabled && aws_db_instance.this.ca_cert_identifier == "rds-ca-rsa2048-g1"
    error_message = "Login or authority are not the defaults."
  }

  assert {
    condition     = output.port == 5432 && output.database == "careway_genomics" && output.identifier == "careway-dev-genomics" && output.master_username == "careway_admin"
    error_message = "The outputs are not what the chart and the secrets need."
  }

  assert {
    condition     = output.host == "made-up.abcdefghijkl.eu-central-1.rds.amazonaws.com" && strcontains(output.master_secret_arn, ":secret:rds!db-")
    error_message = "Host and administrator's secret are not the instance's."
  }

  assert {
    condition     = aws_db_instance.this.db_name == null || aws_db_instance.this.db_name != "careway_genomics"
    error_message = "RDS makes the service's database, which would belong to the administrator."
  }
}

run "only_clients_reach_it" {
  command = plan

  module {
    source = "./modules/database"
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.client : rule.referenced_security_group_id]) == toset(["sg-nodes", "sg-rotation"])
    error_message = "Not each client, or somebody else, may connect."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.client : rule.from_port == 5432 && rule.to_port == 5432 && rule.ip_protocol == "tcp" && rule.cidr_ipv4 == null && rule.cidr_ipv6 == null && rule.security_group_id == "sg-database"])
    error_message = "A rule opens more than 5432 to a security group."
  }

  assert {
    condition     = aws_db_instance.this.vpc_security_group_ids == toset(["sg-database"]) && aws_security_group.this.vpc_id == "vpc-1"
    error_message = "The database has other security groups than its own."
  }
}

run "no_patients_data_in_the_log" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    parameters = { max_connections = "200" }
  }

  assert {
    condition = { for parameter in aws_db_parameter_group.this.parameter : parameter.name => parameter.value } == {
      log_error_verbosity               = "terse"
      log_min_error_statement           = "panic"
      log_statement                     = "none"
      log_min_duration_statement        = "-1"
      log_min_duration_sample           = "-1"
      log_transaction_sample_rate       = "0"
      log_duration                      = "0"
      log_parameter_max_length          = "0"
      log_parameter_max_length_on_error = "0"
      "rds.force_ssl"                   = "1"
      ssl_min_protocol_version          = "TLSv1.2"
      max_connections                   = "200"
    }
    error_message = "The parameters are not those of docs/operating.md, TLS and the one that was added."
  }

  assert {
    condition     = alltrue([for parameter in aws_db_parameter_group.this.parameter : parameter.apply_method == (startswith(parameter.name, "log_") ? "immediate" : "pending-reboot")])
    error_message = "What is fixed waits for a restart, or what may be static does not."
  }

  assert {
    condition     = aws_db_parameter_group.this.family == "postgres18" && aws_db_instance.this.parameter_group_name == "careway-dev-genomics-postgres18"
    error_message = "The instance has another parameter group."
  }

  assert {
    condition     = toset([for group in aws_cloudwatch_log_group.this : group.name]) == toset(["/aws/rds/instance/careway-dev-genomics/postgresql", "/aws/rds/instance/careway-dev-genomics/upgrade"])
    error_message = "The log groups are not those that RDS writes to."
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.kms_key_id == var.logs_key_arn && group.retention_in_days == 365])
    error_message = "A log is not encrypted by our key, or not kept for a year."
  }

  assert {
    condition     = aws_db_instance.this.enabled_cloudwatch_logs_exports == toset(["postgresql", "upgrade"])
    error_message = "RDS does not export its logs."
  }
}

run "it_is_watched" {
  command = plan

  module {
    source = "./modules/database"
  }

  assert {
    condition     = aws_db_instance.this.monitoring_interval == 60 && aws_iam_role.monitoring[0].name == "careway-dev-genomics-monitoring"
    error_message = "Enhanced monitoring is off, or has another role."
  }

  assert {
    condition     = one(one(data.aws_iam_policy_document.monitoring_trust.statement).principals).identifiers == toset(["monitoring.rds.amazonaws.com"])
    error_message = "Others than enhanced monitoring assume its role."
  }

  assert {
    condition     = { for condition in one(data.aws_iam_policy_document.monitoring_trust.statement).condition : condition.variable => one(condition.values) } == { "aws:SourceAccount" = "111122223333", "aws:SourceArn" = "arn:aws:rds:eu-central-1:111122223333:db:careway-dev-genomics" }
    error_message = "The role is not for this instance alone."
  }

  assert {
    condition     = aws_iam_role_policy_attachments_exclusive.monitoring[0].policy_arns == toset(["arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"]) && length(coalesce(aws_iam_role_policies_exclusive.monitoring[0].policy_names, [])) == 0
    error_message = "The role may do more than write its metrics."
  }

  assert {
    condition     = aws_db_instance.this.performance_insights_enabled && aws_db_instance.this.performance_insights_kms_key_id == var.key_arn && aws_db_instance.this.performance_insights_retention_period == 7
    error_message = "Performance Insights is off, or not encrypted by our key."
  }
}

run "what_a_trial_turns_down" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    multi_az             = false
    deletion_protection  = false
    final_snapshot       = false
    backup_days          = 1
    monitoring_seconds   = 0
    performance_insights = false
    iam_authentication   = true
    apply_immediately    = true
    engine_version       = "18.1"
    backup_window        = "23:30-00:30"
    maintenance_window   = "sun:00:30-sun:01:00"
  }

  assert {
    condition     = !aws_db_instance.this.multi_az && !aws_db_instance.this.deletion_protection && aws_db_instance.this.backup_retention_period == 1
    error_message = "The switches do not reach the instance."
  }

  assert {
    condition     = aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.delete_automated_backups && (aws_db_instance.this.final_snapshot_identifier == null)
    error_message = "A trial leaves something behind."
  }

  assert {
    condition     = aws_db_instance.this.monitoring_interval == 0 && length(aws_iam_role.monitoring) == 0 && !aws_db_instance.this.performance_insights_enabled
    error_message = "A trial is still watched."
  }

  assert {
    condition     = aws_db_instance.this.iam_database_authentication_enabled && aws_db_instance.this.apply_immediately && aws_db_instance.this.engine_version == "18.1"
    error_message = "A switch that is on does not reach the instance."
  }

  assert {
    condition     = aws_db_instance.this.backup_window == "23:30-00:30" && aws_db_instance.this.maintenance_window == "sun:00:30-sun:01:00"
    error_message = "Windows that meet at midnight are not taken."
  }
}

run "its_backups_are_in_another_region_too" {
  command = plan

  module {
    source = "./modules/database/copy"
  }

  variables {
    source_arn     = "arn:aws:rds:eu-west-1:111122223333:db:careway-dev-genomics"
    retention_days = 14
  }

  assert {
    condition     = aws_db_instance_automated_backups_replication.this.source_db_instance_arn == var.source_arn && aws_db_instance_automated_backups_replication.this.kms_key_id == var.key_arn && aws_db_instance_automated_backups_replication.this.retention_period == 14
    error_message = "The copies are of another database, of another key, or end early."
  }
}
