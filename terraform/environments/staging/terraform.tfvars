# Fill in every account, role, address and name. Until account_id is yours, the provider refuses to plan.
account_id     = "444455556666"
region         = "eu-central-1"
replica_region = "eu-west-1"

environment = "staging"
owner       = "platform-team"
cost_centre = "careway-staging"
repository  = "example/careway"

administrators = ["arn:aws:iam::444455556666:role/platform-engineers"]

services = {
  genomics = {
    namespace       = "analyses"
    team_principals = ["arn:aws:iam::444455556666:role/genomics-engineers"]
  }
  clinical = {
    namespace       = "consultations"
    team_principals = ["arn:aws:iam::444455556666:role/clinical-engineers"]
  }
}

network = {
  cidr = "10.32.0.0/16"
  # Dev and production, so that the three can be joined later.
  taken_cidrs = ["10.16.0.0/16", "10.48.0.0/16"]
}

# Dev's, where every version is published.
registry = {
  other_arns = [
    "arn:aws:ecr:eu-central-1:111122223333:repository/careway",
    "arn:aws:ecr:eu-central-1:111122223333:repository/charts/careway",
  ]
}

# An image runs on the processor that it was built for. With builders of arm64, BOTTLEROCKET_ARM_64 and Graviton cost less.
cluster = {
  # From where the API is reached: the ranges of your VPN. It has no public address.
  private_access_cidrs = []
  node_groups = {
    general = {
      instance_types = ["m7i.large"]
      ami_type       = "BOTTLEROCKET_x86_64"
      min            = 3
      max            = 6
    }
  }
}

database = {
  instance_class      = "db.t4g.medium"
  allocated_gib       = 20
  max_allocated_gib   = 100
  multi_az            = true
  deletion_protection = true
  backup_days         = 7
}

# The roles that the bootstrap made for the workflows: they run Terraform too.
secrets = {
  managers = [
    "arn:aws:iam::444455556666:role/careway-ci-staging-plan",
    "arn:aws:iam::444455556666:role/careway-ci-staging-apply",
  ]
}

identity = {
  github = {
    provider_arn       = "arn:aws:iam::444455556666:oidc-provider/token.actions.githubusercontent.com"
    repository         = "example/careway"
    deploy_environment = "staging"
  }
}

audit = {
  retention_days = 365
}

observability = {
  alert_emails = ["platform-alerts@example.org"]
}
