# Each run holds one wrong value of several variables, since a run costs more than what it refuses.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name          = "careway-dev"
  registry_host = "111122223333.dkr.ecr.eu-central-1.amazonaws.com"
  registry_arns = [
    "arn:aws:ecr:eu-central-1:111122223333:repository/careway",
    "arn:aws:ecr:eu-central-1:111122223333:repository/charts/careway",
  ]
  key_arn      = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  logs_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/66666666-2222-3333-4444-555555555555"
  pipeline = {
    connection_arn       = "arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555"
    repository           = "careway/careway"
    base_image           = "docker.io/library/python:3.13-slim-trixie@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    trial_database_image = "docker.io/library/postgres:18@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    build_image          = "aws/codebuild/standard:7.0"
    approval_topic_arn   = "arn:aws:sns:eu-central-1:111122223333:careway-dev-alerts"
  }
}

run "any_connection_and_repository" {
  command = plan
  module {
    source = "./modules/delivery"
  }
  variables {
    pipeline = {
      connection_arn       = "arn:aws:codeconnections:eu-central-1:111122223333:connection/*"
      repository           = "careway/careway"
      base_image           = "docker.io/library/python:3.13-slim-trixie@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      trial_database_image = "docker.io/library/postgres:18@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      build_image          = "aws/codebuild/standard:7.0"
    }
    registry_arns = ["arn:aws:ecr:eu-central-1:111122223333:repository/*"]
    registry_host = "https://111122223333.dkr.ecr.eu-central-1.amazonaws.com"
    name          = "Careway_Dev"
  }
  expect_failures = [var.pipeline, var.registry_arns, var.registry_host, var.name]
}

run "a_source_without_an_owner_and_no_repository" {
  command = plan
  module {
    source = "./modules/delivery"
  }
  variables {
    pipeline = {
      connection_arn       = "arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555"
      repository           = "careway"
      base_image           = "docker.io/library/python:3.13-slim-trixie@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      trial_database_image = "docker.io/library/postgres:18@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      build_image          = "aws/codebuild/standard:7.0"
    }
    registry_arns = []
    registry_host = "docker.io"
  }
  expect_failures = [var.pipeline, var.registry_arns, var.registry_host]
}

run "any_branch_and_aliases_for_keys" {
  command = plan
  module {
    source = "./modules/delivery"
  }
  variables {
    pipeline = {
      connection_arn       = "arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555"
      repository           = "careway/careway"
      base_image           = "docker.io/library/python:3.13-slim-trixie@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      trial_database_image = "docker.io/library/postgres:18@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      build_image          = "aws/codebuild/standard:7.0"
      branch               = "*"
    }
    key_arn                  = "alias/registry"
    logs_key_arn             = "alias/logs"
    permissions_boundary_arn = "arn:aws:iam::111122223333:role/boundary"
    log_retention_days       = 1
  }
  expect_failures = [var.pipeline, var.key_arn, var.logs_key_arn, var.permissions_boundary_arn, var.log_retention_days]
}

run "a_base_by_tag" {
  command = plan
  module {
    source = "./modules/delivery"
  }
  variables {
    pipeline = {
      connection_arn       = "arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555"
      repository           = "careway/careway"
      base_image           = "docker.io/library/python:3.13-slim-trixie"
      trial_database_image = "docker.io/library/postgres:18@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      build_image          = "aws/codebuild/standard:7.0"
    }
  }
  expect_failures = [var.pipeline]
}

run "a_trial_database_by_tag" {
  command = plan
  module {
    source = "./modules/delivery"
  }
  variables {
    pipeline = {
      connection_arn       = "arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555"
      repository           = "careway/careway"
      base_image           = "docker.io/library/python:3.13-slim-trixie@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      trial_database_image = "docker.io/library/postgres:18"
      build_image          = "aws/codebuild/standard:7.0"
    }
  }
  expect_failures = [var.pipeline]
}

run "a_builder_by_tag" {
  command = plan
  module {
    source = "./modules/delivery"
  }
  variables {
    pipeline = {
      connection_arn       = "arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555"
      repository           = "careway/careway"
      base_image           = "docker.io/library/python:3.13-slim-trixie@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      trial_database_image = "docker.io/library/postgres:18@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      build_image          = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/builders/careway:latest"
    }
  }
  expect_failures = [var.pipeline]
}

run "any_topic" {
  command = plan
  module {
    source = "./modules/delivery"
  }
  variables {
    pipeline = {
      connection_arn       = "arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555"
      repository           = "careway/careway"
      base_image           = "docker.io/library/python:3.13-slim-trixie@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      trial_database_image = "docker.io/library/postgres:18@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      build_image          = "aws/codebuild/standard:7.0"
      approval_topic_arn   = "arn:aws:sns:eu-central-1:111122223333:*"
    }
  }
  expect_failures = [var.pipeline]
}

run "an_approval_that_waits_for_ever" {
  command = plan
  module {
    source = "./modules/delivery"
  }
  variables {
    pipeline = {
      connection_arn         = "arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555"
      repository             = "careway/careway"
      base_image             = "docker.io/library/python:3.13-slim-trixie@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      trial_database_image   = "docker.io/library/postgres:18@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      build_image            = "aws/codebuild/standard:7.0"
      approval_timeout_hours = 1000
    }
  }
  expect_failures = [var.pipeline]
}
