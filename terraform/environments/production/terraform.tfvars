# Fill in every account, role, address and name. Until account_id is yours, the provider refuses to plan.
account_id     = "777788889999"
region         = "eu-central-1"
replica_region = "eu-west-1"

environment = "production"
owner       = "platform-team"
cost_centre = "careway-production"
repository  = "example/careway"

administrators = ["arn:aws:iam::777788889999:role/platform-engineers"]

services = {
  genomics = {
    namespace       = "analyses"
    team_principals = ["arn:aws:iam::777788889999:role/genomics-engineers"]
    # A genome has millions of variants, and each is a row.
    database = { instance_class = "db.r7g.large", allocated_gib = 500, max_allocated_gib = 4000 }
  }
  clinical = {
    namespace       = "consultations"
    team_principals = ["arn:aws:iam::777788889999:role/clinical-engineers"]
  }
}

network = {
  cidr = "10.48.0.0/16"
  # Dev and staging, so that the three can be joined later.
  taken_cidrs = ["10.16.0.0/16", "10.32.0.0/16"]
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
      instance_types = ["m7i.xlarge"]
      ami_type       = "BOTTLEROCKET_x86_64"
      min            = 3
      max            = 12
    }
  }
}

database = {
  instance_class      = "db.m7g.large"
  allocated_gib       = 100
  max_allocated_gib   = 1000
  multi_az            = true
  deletion_protection = true
  backup_days         = 35
  copy_days           = 14
}

# The roles that the bootstrap made for the workflows: they run Terraform too.
secrets = {
  managers = [
    "arn:aws:iam::777788889999:role/careway-ci-production-plan",
    "arn:aws:iam::777788889999:role/careway-ci-production-apply",
  ]
}

identity = {
  github = {
    provider_arn       = "arn:aws:iam::777788889999:oidc-provider/token.actions.githubusercontent.com"
    repository         = "example/careway"
    deploy_environment = "production"
  }
}

audit = {
  # The bucket outlives a destroy: what is locked cannot be deleted before its time.
  object_lock_days = 365
}

observability = {
  retention_days = 365
  alert_emails   = ["platform-alerts@example.org"]
  budget = {
    # A made-up number, since no price is known here: `make cost` counts what there is.
    monthly_limit_usd = 1000
    emails            = ["platform-costs@example.org"]
  }
}
