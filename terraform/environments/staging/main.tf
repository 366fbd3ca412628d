locals {
  tags = {
    Project     = var.project
    Environment = var.environment
    ManagedBy   = "terraform"
    Owner       = var.owner
    CostCentre  = var.cost_centre
    Repository  = var.repository
  }
}

provider "aws" {
  region = var.region
  # Credentials of another account end here, before anything is planned.
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias               = "replica"
  region              = var.replica_region
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = local.tags
  }
}

# Another key at each plan, and kept nowhere: it is written once, and again when its service's secret_key_version rises.
ephemeral "aws_secretsmanager_random_password" "secret_key" {
  for_each = toset(keys(var.services))

  password_length     = 64
  exclude_punctuation = true
}

module "platform" {
  source = "../../modules/platform"

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  environment    = var.environment
  project        = var.project
  administrators = var.administrators
  services       = var.services
  network        = var.network
  registry       = var.registry
  cluster        = var.cluster
  database       = var.database
  secret_keys    = { for service, key in ephemeral.aws_secretsmanager_random_password.secret_key : service => key.random_password }
  secrets        = var.secrets
  identity       = var.identity
  audit          = var.audit
  delivery       = var.delivery
  observability  = var.observability
  tags           = local.tags
}
