# Each environment's terraform.tfvars: that it fits the platform's rules, and what it promises. What calls the platform there
# makes secret keys by an ephemeral resource, which cannot be mocked; so the values are read, and the platform is planned.
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

run "values_of_dev" {
  command = plan

  module {
    source = "./tests/environments"
  }

  variables {
    environment = "dev"
  }
}

run "dev_is_small" {
  command = plan

  module {
    source = "./modules/platform"
  }

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  variables {
    environment    = run.values_of_dev.tfvars.environment
    administrators = concat(run.values_of_dev.tfvars.administrators, ["arn:aws:iam::111122223333:role/applies"])
    services       = run.values_of_dev.tfvars.services
    network        = run.values_of_dev.tfvars.network
    registry       = run.values_of_dev.tfvars.registry
    cluster        = run.values_of_dev.tfvars.cluster
    database       = run.values_of_dev.tfvars.database
    secrets        = run.values_of_dev.tfvars.secrets
    identity       = run.values_of_dev.tfvars.identity
    audit          = run.values_of_dev.tfvars.audit
    observability  = run.values_of_dev.tfvars.observability
    secret_keys    = { for service in keys(run.values_of_dev.tfvars.services) : service => "made-up-made-up-made-up-made-up-made-up-made-up-made-up" }
  }

  assert {
    condition     = output.platform.name == "careway-dev"
    error_message = "The folder dev brings up dev."
  }

  assert {
    condition     = length(output.platform.private_cidrs) == 2 && length(output.platform.nat_public_ips) == 1
    error_message = "dev has two zones and one NAT gateway."
  }

  assert {
    condition     = !var.database.multi_az && length(output.database_copies) == 0
    error_message = "dev pays for neither a standby nor a copy."
  }

  assert {
    condition     = contains(keys(output.roles), "publish") && contains(keys(output.roles), "deploy")
    error_message = "What is published is published to dev's registry."
  }
}

run "values_of_staging" {
  command = plan

  module {
    source = "./tests/environments"
  }

  variables {
    environment = "staging"
  }
}

run "staging_has_the_shape_of_production" {
  command = plan

  module {
    source = "./modules/platform"
  }

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  # Teams are of the environment's own account.
  override_data {
    target          = module.identity.data.aws_caller_identity.current
    override_during = plan
    values          = { account_id = "444455556666" }
  }

  variables {
    environment    = run.values_of_staging.tfvars.environment
    administrators = concat(run.values_of_staging.tfvars.administrators, ["arn:aws:iam::111122223333:role/applies"])
    services       = run.values_of_staging.tfvars.services
    network        = run.values_of_staging.tfvars.network
    registry       = run.values_of_staging.tfvars.registry
    cluster        = run.values_of_staging.tfvars.cluster
    database       = run.values_of_staging.tfvars.database
    secrets        = run.values_of_staging.tfvars.secrets
    identity       = run.values_of_staging.tfvars.identity
    audit          = run.values_of_staging.tfvars.audit
    observability  = run.values_of_staging.tfvars.observability
    secret_keys    = { for service in keys(run.values_of_staging.tfvars.services) : service => "made-up-made-up-made-up-made-up-made-up-made-up-made-up" }
  }

  assert {
    condition     = output.platform.name == "careway-staging"
    error_message = "The folder staging brings up staging."
  }

  assert {
    condition     = length(output.platform.private_cidrs) == 3 && length(output.platform.nat_public_ips) == 3
    error_message = "staging has three zones, each with its way out."
  }

  assert {
    condition     = var.database.multi_az && var.database.deletion_protection && var.database.backup_days >= 7
    error_message = "staging tries a database of production's shape."
  }

  assert {
    condition     = !contains(keys(output.roles), "publish") && contains(keys(output.roles), "deploy")
    error_message = "staging runs what was published, and publishes nothing."
  }
}

run "values_of_production" {
  command = plan

  module {
    source = "./tests/environments"
  }

  variables {
    environment = "production"
  }
}

run "production_is_strict" {
  command = plan

  module {
    source = "./modules/platform"
  }

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  # Teams are of the environment's own account.
  override_data {
    target          = module.identity.data.aws_caller_identity.current
    override_during = plan
    values          = { account_id = "777788889999" }
  }

  variables {
    environment    = run.values_of_production.tfvars.environment
    administrators = concat(run.values_of_production.tfvars.administrators, ["arn:aws:iam::111122223333:role/applies"])
    services       = run.values_of_production.tfvars.services
    network        = run.values_of_production.tfvars.network
    registry       = run.values_of_production.tfvars.registry
    cluster        = run.values_of_production.tfvars.cluster
    database       = run.values_of_production.tfvars.database
    secrets        = run.values_of_production.tfvars.secrets
    identity       = run.values_of_production.tfvars.identity
    audit          = run.values_of_production.tfvars.audit
    observability  = run.values_of_production.tfvars.observability
    secret_keys    = { for service in keys(run.values_of_production.tfvars.services) : service => "made-up-made-up-made-up-made-up-made-up-made-up-made-up" }
  }

  assert {
    condition     = output.platform.name == "careway-production"
    error_message = "The folder production brings up production, so that its rules hold."
  }

  assert {
    condition     = length(output.platform.private_cidrs) == 3 && length(output.platform.nat_public_ips) == 3
    error_message = "production has three zones, each with its way out."
  }

  assert {
    condition     = toset(keys(output.database_copies)) == toset(keys(var.services))
    error_message = "production keeps each database's backups in a second region too."
  }

  assert {
    condition     = length(var.cluster.public_access_cidrs) == 0
    error_message = "The API of production's cluster is private."
  }

  assert {
    condition     = !contains(keys(output.roles), "publish") && contains(keys(output.roles), "deploy")
    error_message = "production runs what was published, and publishes nothing."
  }
}

run "no_two_overlap" {
  command = plan

  module {
    source = "./tests/environments"
  }

  variables {
    environment = "production"
  }

  assert {
    condition = alltrue([for one, values in {
      dev        = run.values_of_dev.tfvars
      staging    = run.values_of_staging.tfvars
      production = run.values_of_production.tfvars
      } : toset(concat([values.network.cidr], values.network.taken_cidrs)) == toset([
        run.values_of_dev.tfvars.network.cidr, run.values_of_staging.tfvars.network.cidr, run.values_of_production.tfvars.network.cidr,
    ])])
    error_message = "Each environment has to know the networks of the two others, so that it is refused when it overlaps one."
  }
}
