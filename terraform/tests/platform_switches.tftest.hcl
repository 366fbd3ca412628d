# What the switches of the platform add to how its modules are wired.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

# The copies' region. A key of it says so in its ARN.
mock_provider "aws" {
  alias           = "replica"
  override_during = plan

  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-west-1:111122223333:key/66666666-7777-8888-9999-000000000000" }
  }
}

override_resource {
  target          = module.identity.aws_iam_role.this["genomics-team"]
  override_during = plan
  values          = { arn = "arn:aws:iam::111122223333:role/careway-dev-genomics-team" }
}

override_resource {
  target          = module.identity.aws_iam_role.this["clinical-team"]
  override_during = plan
  values          = { arn = "arn:aws:iam::111122223333:role/careway-dev-clinical-team" }
}

variables {
  secret_keys = {
    genomics = "made-up-made-up-made-up-made-up-made-up-made-up-genomics"
    clinical = "made-up-made-up-made-up-made-up-made-up-made-up-clinical"
  }

  environment    = "dev"
  administrators = ["arn:aws:iam::111122223333:role/applies"]

  services = {
    genomics = {
      namespace       = "analyses"
      team_principals = ["arn:aws:iam::111122223333:role/genomics-engineers"]
      database        = { instance_class = "db.r7g.large" }
    }
    clinical = {
      namespace       = "consultations"
      team_principals = ["arn:aws:iam::111122223333:role/clinical-engineers"]
    }
  }

  network = {
    cidr        = "10.16.0.0/16"
    taken_cidrs = ["10.32.0.0/16"]
  }

  cluster = {
    node_groups = {
      general = { instance_types = ["m7i.large"], ami_type = "BOTTLEROCKET_x86_64", min = 3, max = 6 }
    }
  }

  database = {
    instance_class      = "db.t4g.medium"
    allocated_gib       = 20
    max_allocated_gib   = 50
    multi_az            = true
    deletion_protection = true
    backup_days         = 7
  }
}

run "all_switches" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    environment = "production"
    audit       = { object_lock_days = 30 }
    observability = {
      alert_emails = ["on-call@example.org"]
      budget       = { monthly_limit_usd = 100 }
    }
    database = merge(var.database, { copy_days = 7 })
    cluster  = merge(var.cluster, { irsa = true, public_access_cidrs = ["198.51.100.0/24"] })
    network = merge(var.network, {
      nat       = "none"
      endpoints = false
      hub       = { transit_gateway_id = "tgw-0123456789abcdef0", cidrs = ["10.0.0.0/16"] }
    })
    secrets = { rotation = "aws" }
    identity = {
      backup = true
      hub    = { account_id = "999900001111", role_names = ["deployer"], organization_id = "o-abcdefghij" }
      github = {
        provider_arn        = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
        repository          = "example/careway"
        publish_environment = "production"
      }
    }
    delivery = {
      connection_arn       = "arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555"
      repository           = "example/careway"
      base_image           = "registry.example.org/base@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      trial_database_image = "registry.example.org/postgres@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      build_image          = "aws/codebuild/standard:7.0"
    }
  }

  assert {
    condition     = toset(keys(output.database_copies)) == toset(keys(var.services))
    error_message = "Each database's backups are copied."
  }

  assert {
    condition     = output.services["genomics"].secrets.via == "irsa"
    error_message = "With IRSA the chart's own store reads."
  }

  assert {
    condition     = join(" ", output.platform.endpoint_cidrs) == "10.0.0.0/16" && length(output.platform.nat_public_ips) == 0
    error_message = "With a hub, its endpoints and its way out are used."
  }

  assert {
    condition     = alltrue([for role in ["backup", "deploy", "publish"] : contains(keys(output.roles), role)])
    error_message = "Backup, the hub and the workflows have their roles."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.rotation) == 2
    error_message = "AWS's function reaches each database."
  }

  assert {
    condition     = length(module.delivery) == 1
    error_message = "The pipeline of AWS is there."
  }
}

run "a_function_of_your_own" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    secrets = { rotation = "own" }
  }

  assert {
    condition     = contains(keys(output.roles), "genomics-rotation") && contains(keys(output.roles), "clinical-rotation")
    error_message = "Each service has a role for a function of your own."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.rotation) == 0
    error_message = "AWS's function is not there."
  }
}
