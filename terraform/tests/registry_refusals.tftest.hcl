# Each run has as many mistakes as it has variables to make them in.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name    = "careway-dev"
  key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
}

run "everybody" {
  command = plan

  module {
    source = "./modules/registry"
  }

  variables {
    pull_principals = ["*"]
    push_principals = ["*"]
    name            = "Careway"
    repositories    = []
    key_arn         = "arn:aws:kms:eu-central-1:111122223333:alias/careway-dev"
    keep_versions   = 3
    untagged_days   = -1
  }

  expect_failures = [var.pull_principals, var.push_principals, var.name, var.repositories, var.key_arn, var.keep_versions, var.untagged_days]
}

run "wildcards_and_whole_accounts" {
  command = plan

  module {
    source = "./modules/registry"
  }

  variables {
    pull_principals = ["arn:aws:iam::111122223333:role/*"]
    push_principals = ["arn:aws:iam::111122223333:root"]
    repositories    = ["careway", "careway"]
    keep_versions   = 10.5
    untagged_days   = 0.5
  }

  expect_failures = [var.pull_principals, var.push_principals, var.repositories, var.keep_versions, var.untagged_days]
}

run "users" {
  command = plan

  module {
    source = "./modules/registry"
  }

  variables {
    pull_principals = ["arn:aws:iam::111122223333:user/ada"]
    push_principals = ["arn:aws:iam::111122223333:user/ada"]
    repositories    = ["Careway"]
  }

  expect_failures = [var.pull_principals, var.push_principals, var.repositories]
}

run "a_slash_at_the_end" {
  command = plan

  module {
    source = "./modules/registry"
  }

  variables {
    repositories = ["charts/"]
  }

  expect_failures = [var.repositories]
}
