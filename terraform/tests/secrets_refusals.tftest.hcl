# What the module secrets refuses, one run for each rule; rules of different variables share a run.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name       = "careway-dev"
  service    = "genomics"
  key_arn    = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  secret_key = "made-up-and-long-enough-made-up-and-long-enough-made-up"
}

run "names_and_keys_that_aws_refuses" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    name         = "Careway"
    service      = "gen-omics"
    key_arn      = "arn:aws:kms:eu-central-1:111122223333:alias/made-up"
    logs_key_arn = "alias/made-up"
    path         = "careway/genomics/"
  }

  expect_failures = [
    var.name,
    var.service,
    var.key_arn,
    var.logs_key_arn,
    var.path,
  ]
}

run "numbers_out_of_bounds" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    recovery_days      = 0
    secret_key_version = 1.5
    rotation_days      = 0.5
    log_retention_days = 100
  }

  expect_failures = [
    var.recovery_days,
    var.secret_key_version,
    var.rotation_days,
    var.log_retention_days,
  ]
}

run "principals_that_are_nobody_or_everybody" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    reader_role_arns  = ["arn:aws:iam::111122223333:role/*"]
    rotator_role_arns = ["*"]
    manager_arns      = ["arn:aws:iam::111122223333:root"]
  }

  expect_failures = [
    var.reader_role_arns,
    var.rotator_role_arns,
    var.manager_arns,
  ]
}

run "a_short_key" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    secret_key = "made-up-with-forty-nine-characters-made-up-with-f"
  }

  expect_failures = [var.secret_key]
}

run "rotation_without_a_network" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    rotation = true
  }

  expect_failures = [var.rotation]
}

run "a_network_without_endpoints" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    rotation_network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"], endpoint_cidrs = [], database_security_group_id = "sg-1" }
  }

  expect_failures = [var.rotation_network]
}

run "a_network_that_is_the_world" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    rotation_network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"], endpoint_cidrs = ["0.0.0.0/0"], database_security_group_id = "sg-1" }
  }

  expect_failures = [var.rotation_network]
}

run "a_password_in_place_of_a_secret" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    master_secret = { arn = "made-up", key_arn = "made-up" }
  }

  expect_failures = [var.master_secret]
}

run "a_policy_that_locks_terraform_out" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    reader_role_arns = ["arn:aws:iam::111122223333:role/careway-dev-genomics-secrets-reader"]
    manager_arns     = ["arn:aws:iam::111122223333:role/somebody-else"]
  }

  expect_failures = [aws_secretsmanager_secret_policy.this["service"], aws_secretsmanager_secret_policy.this["database"]]
}
