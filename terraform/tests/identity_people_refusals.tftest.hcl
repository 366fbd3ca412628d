# Each run holds one wrong value of several variables, since a run costs more than what it refuses.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name            = "careway-dev"
  cluster_name    = "careway-dev"
  cluster_arn     = "arn:aws:eks:eu-central-1:111122223333:cluster/careway-dev"
  vpc_id          = "vpc-0123456789abcdef0"
  secrets_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  registry_arns   = ["arn:aws:ecr:eu-central-1:111122223333:repository/careway"]
  services = {
    genomics = {
      namespace       = "analyses"
      secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
    }
  }
  team_principals = { genomics = ["arn:aws:iam::111122223333:role/genomics-people"] }
}

run "a_service_without_a_team_and_a_collector_of_nothing" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    team_principals = {}
    collector       = {}
    backup          = true
  }
  expect_failures = [var.team_principals, var.collector, var.backup]
}

run "a_team_without_a_service_and_metrics_without_a_workspace" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    team_principals  = { genomics = ["arn:aws:iam::111122223333:role/people"], clinical = ["arn:aws:iam::111122223333:role/people"] }
    collector        = { metrics = true }
    rotation         = true
    database_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/66666666-2222-3333-4444-555555555555"
  }
  expect_failures = [var.team_principals, var.collector, var.rotation]
}

run "an_empty_team_and_logs_without_groups" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      genomics = {
        namespace         = "analyses"
        secret_path_arn   = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
        master_secret_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-genomics-AbCdEf"
      }
    }
    team_principals = { genomics = [] }
    collector       = { logs = true }
    rotation        = true
  }
  expect_failures = [var.team_principals, var.collector, var.rotation]
}

run "a_team_of_everybody" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    team_principals = { genomics = ["*"] }
  }
  expect_failures = [var.team_principals]
}

run "a_team_of_any_role" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    team_principals = { genomics = ["arn:aws:iam::111122223333:role/*"] }
  }
  expect_failures = [var.team_principals]
}

run "a_team_of_an_account" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    team_principals = { genomics = ["arn:aws:iam::111122223333:root"] }
  }
  expect_failures = [var.team_principals]
}

run "a_team_of_a_user" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    team_principals = { genomics = ["arn:aws:iam::111122223333:user/somebody"] }
  }
  expect_failures = [var.team_principals]
}

run "a_team_of_an_account_that_is_not_named" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    team_principals = { genomics = ["arn:aws:iam::444455556666:role/people"] }
  }
  expect_failures = [var.team_principals]
}
