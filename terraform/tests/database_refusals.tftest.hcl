# What the module database refuses, one run for each rule; rules of different variables share a run.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
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

run "names_and_keys_that_aws_refuses" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    name         = "careway--dev"
    service      = "gen-omics"
    key_arn      = "alias/made-up"
    logs_key_arn = "alias/made-up"
  }

  expect_failures = [
    var.name,
    var.service,
    var.key_arn,
    var.logs_key_arn,
  ]
}

run "one_subnet_and_no_client" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    subnet_ids                = ["subnet-1"]
    client_security_group_ids = []
  }

  expect_failures = [
    var.subnet_ids,
    var.client_security_group_ids,
  ]
}

run "versions_and_classes_that_do_not_fit" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    engine_version            = "17"
    instance_class            = "t4g.medium"
    ca_certificate_identifier = "rds-ca-2019"
  }

  expect_failures = [
    var.engine_version,
    var.instance_class,
    var.ca_certificate_identifier,
  ]
}

run "numbers_out_of_bounds" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    log_retention_days        = 100
    allocated_gib             = 10
    backup_days               = 0
    performance_insights_days = 8
    monitoring_seconds        = 2
  }

  expect_failures = [
    var.log_retention_days,
    var.allocated_gib,
    var.backup_days,
    var.performance_insights_days,
    var.monitoring_seconds,
  ]
}

run "windows_in_another_form" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    backup_window      = "1:30-2:30"
    maintenance_window = "sund:03:00-sund:04:00"
  }

  expect_failures = [
    var.backup_window,
    var.maintenance_window,
  ]
}

run "storage_that_cannot_grow" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    max_allocated_gib = 21
  }

  expect_failures = [var.max_allocated_gib]
}

run "a_log_that_talks" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    parameters = { log_statement = "all" }
  }

  expect_failures = [var.parameters]
}

run "plaintext" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    parameters = { "rds.force_ssl" = "0" }
  }

  expect_failures = [var.parameters]
}

run "plans_in_the_log" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    parameters = { "auto_explain.log_min_duration" = "0" }
  }

  expect_failures = [var.parameters]
}

run "a_library_that_logs_statements" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    parameters = { shared_preload_libraries = "pg_stat_statements,pgaudit" }
  }

  expect_failures = [var.parameters]
}

run "windows_that_overlap" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    backup_window = "03:30-04:30"
  }

  expect_failures = [aws_db_instance.this]
}

run "windows_that_overlap_over_midnight" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    backup_window      = "23:30-01:00"
    maintenance_window = "sun:00:30-sun:01:30"
  }

  expect_failures = [aws_db_instance.this]
}

run "a_window_of_a_minute" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    backup_window = "01:30-01:31"
  }

  expect_failures = [aws_db_instance.this]
}

run "protection_without_a_last_snapshot" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    final_snapshot = false
  }

  expect_failures = [aws_db_instance.this]
}

run "a_copy_of_a_cluster" {
  command = plan

  module {
    source = "./modules/database/copy"
  }

  variables {
    source_arn = "arn:aws:rds:eu-west-1:111122223333:cluster:made-up"
  }

  expect_failures = [var.source_arn]
}

run "a_copy_by_an_alias" {
  command = plan

  module {
    source = "./modules/database/copy"
  }

  variables {
    source_arn = "arn:aws:rds:eu-west-1:111122223333:db:careway-dev-genomics"
    key_arn    = "alias/made-up"
  }

  expect_failures = [var.key_arn]
}

run "a_copy_for_ever" {
  command = plan

  module {
    source = "./modules/database/copy"
  }

  variables {
    source_arn     = "arn:aws:rds:eu-west-1:111122223333:db:careway-dev-genomics"
    retention_days = 36
  }

  expect_failures = [var.retention_days]
}

run "a_copy_in_the_same_region" {
  command = plan

  module {
    source = "./modules/database/copy"
  }

  variables {
    source_arn = "arn:aws:rds:eu-central-1:111122223333:db:careway-dev-genomics"
  }

  expect_failures = [aws_db_instance_automated_backups_replication.this]
}

run "a_copy_with_a_key_elsewhere" {
  command = plan

  module {
    source = "./modules/database/copy"
  }

  variables {
    source_arn = "arn:aws:rds:eu-west-1:111122223333:db:careway-dev-genomics"
    key_arn    = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  }

  expect_failures = [aws_db_instance_automated_backups_replication.this]
}
