# How the modules are wired. What each of them promises by itself is in its own tests.
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

# An account that holds nothing yet: what AWS would make is unknown until it is applied.
mock_provider "aws" {
  alias  = "empty"
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "empty_replica"
  source = "./tests/mocks"
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

override_resource {
  target          = module.identity.aws_iam_role.this["genomics-secrets-reader"]
  override_during = plan
  values          = { arn = "arn:aws:iam::111122223333:role/careway-dev-genomics-secrets-reader" }
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

run "an_environment" {
  command = plan

  module {
    source = "./modules/platform"
  }

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  assert {
    condition     = output.platform.name == "careway-dev" && output.platform.environment == "dev"
    error_message = "Every name begins with the project and the environment."
  }

  assert {
    condition     = keys(output.services) == ["clinical", "genomics"]
    error_message = "Each service has its outputs."
  }

  assert {
    condition     = output.services["genomics"].namespace == "analyses" && output.services["clinical"].namespace == "consultations"
    error_message = "Each service is in its namespace."
  }

  assert {
    condition     = [for attribute in ["host", "port", "name"] : tostring(output.services["genomics"].database[attribute])] == ["made-up.abcdefghijkl.eu-central-1.rds.amazonaws.com", "5432", "careway_genomics"]
    error_message = "A release learns host, port and name of its own database."
  }

  assert {
    condition     = output.services["genomics"].secrets.secret_key == "careway-dev/genomics/service" && output.services["genomics"].secrets.database == "careway-dev/genomics/database"
    error_message = "A release learns the names of its own two secrets."
  }

  assert {
    condition     = output.services["clinical"].secrets.secret_key == "careway-dev/clinical/service"
    error_message = "The secrets of two services are two paths."
  }

  assert {
    condition     = output.services["genomics"].secrets.reader_role_arn == "arn:aws:iam::111122223333:role/careway-dev-genomics-secrets-reader"
    error_message = "The reader of a service is its own."
  }

  assert {
    condition     = output.services["genomics"].secrets.via == "pod-identity"
    error_message = "Without IRSA the controller of External Secrets takes the roles."
  }

  assert {
    condition     = output.services["genomics"].team_group == "genomics-team"
    error_message = "The team's group is the one that the chart's Role is bound to."
  }

  assert {
    condition     = output.services["genomics"].team_role_arn == "arn:aws:iam::111122223333:role/careway-dev-genomics-team"
    error_message = "The team has its role."
  }

  assert {
    condition     = output.services["genomics"].log_group == "/careway/careway-dev/genomics"
    error_message = "A service has its log group."
  }

  assert {
    condition     = output.platform.image_repository == "111122223333.dkr.ecr.eu-central-1.amazonaws.com/careway" && output.platform.chart_repository == "111122223333.dkr.ecr.eu-central-1.amazonaws.com/charts/careway"
    error_message = "Image and chart are two repositories of the account's registry."
  }

  assert {
    condition     = output.platform.account_id == "111122223333" && output.platform.region == "eu-central-1"
    error_message = "A release learns account and region."
  }

  assert {
    condition     = length(output.platform.public_cidrs) == 3 && length(setunion(output.platform.public_cidrs, output.platform.private_cidrs, output.platform.isolated_cidrs)) == 9
    error_message = "Three zones have three kinds of subnets, and none of them twice."
  }

  assert {
    condition     = output.platform.endpoint_cidrs == output.platform.private_cidrs
    error_message = "Endpoints are in the private subnets."
  }

  assert {
    condition     = length(output.platform.nat_public_ips) == 3
    error_message = "Each zone has its own way out unless told otherwise."
  }

  assert {
    condition     = length(output.database_copies) == 0
    error_message = "Nothing is copied unless it is asked for."
  }

  assert {
    condition     = !contains(keys(output.roles), "deploy") && !contains(keys(output.roles), "publish")
    error_message = "Nobody deploys or publishes from elsewhere unless it is asked for."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.load_balancer.from_port == 8000 && aws_vpc_security_group_ingress_rule.load_balancer.to_port == 8000 && aws_vpc_security_group_ingress_rule.load_balancer.cidr_ipv4 == null
    error_message = "Load balancers reach the pods on their port alone, and nobody else does."
  }
}

run "an_empty_account" {
  command = plan

  module {
    source = "./modules/platform"
  }

  providers = {
    aws         = aws.empty
    aws.replica = aws.empty_replica
  }

  assert {
    condition     = output.platform.cluster_name == "careway-dev"
    error_message = "A first apply can be planned while nothing is there."
  }
}
