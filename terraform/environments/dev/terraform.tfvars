# Fill in every account, role, address and name. Until account_id is yours, the provider refuses to plan.
account_id     = "111122223333"
region         = "eu-central-1"
replica_region = "eu-west-1"

environment = "dev"
owner       = "platform-team"
cost_centre = "careway-dev"
repository  = "example/careway"

administrators = ["arn:aws:iam::111122223333:role/platform-engineers"]

services = {
  genomics = {
    namespace       = "analyses"
    team_principals = ["arn:aws:iam::111122223333:role/genomics-engineers"]
  }
  clinical = {
    namespace       = "consultations"
    team_principals = ["arn:aws:iam::111122223333:role/clinical-engineers"]
  }
}

network = {
  cidr = "10.16.0.0/16"
  # Staging and production, so that the three can be joined later.
  taken_cidrs = ["10.32.0.0/16", "10.48.0.0/16"]
  zone_count  = 2
  nat         = "one"
}

# What is published here is what staging and production run.
registry = {
  pull_principals = ["arn:aws:iam::444455556666:root", "arn:aws:iam::777788889999:root"]
}

# An image runs on the processor that it was built for. With builders of arm64, BOTTLEROCKET_ARM_64 and Graviton cost less.
cluster = {
  # From where the API is reached: the ranges of your VPN. It has no public address.
  private_access_cidrs = []
  node_groups = {
    general = {
      instance_types = ["t3.large"]
      ami_type       = "BOTTLEROCKET_x86_64"
      min            = 2
      max            = 4
    }
  }
}

database = {
  instance_class      = "db.t4g.medium"
  allocated_gib       = 20
  max_allocated_gib   = 50
  multi_az            = false
  deletion_protection = false
  final_snapshot      = false
  backup_days         = 1
}

# The roles that the bootstrap made for the workflows: they run Terraform too.
secrets = {
  # So soon can a destroyed environment be made anew under the same names.
  recovery_days = 7
  managers = [
    "arn:aws:iam::111122223333:role/careway-ci-dev-plan",
    "arn:aws:iam::111122223333:role/careway-ci-dev-apply",
  ]
}

identity = {
  github = {
    provider_arn        = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    repository          = "example/careway"
    publish_environment = "dev"
    deploy_environment  = "dev"
  }
}

audit = {
  retention_days = 90
  # A destroyed dev takes its trail with it.
  force_destroy = true
}

observability = {
  retention_days = 30
}
