# What the platform refuses in production, beside what it refuses everywhere: an environment that is right but for one mistake in each of
# several variables. A run passes only where each of them is refused.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "aws" {
  alias           = "replica"
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  environment    = "production"
  administrators = ["arn:aws:iam::111122223333:role/applies"]

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

  secret_keys = {
    genomics = "made-up-made-up-made-up-made-up-made-up-made-up-genomics"
    clinical = "made-up-made-up-made-up-made-up-made-up-made-up-clinical"
  }

  network = { cidr = "10.16.0.0/16" }

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

  audit = { object_lock_days = 30 }

  observability = {
    alert_emails = ["on-call@example.org"]
    budget       = { monthly_limit_usd = 100 }
  }
}

run "too_few_zones_and_nobody_on_guard" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    network = merge(var.network, { zone_count = 2 })
    cluster = {
      node_groups = { general = merge(var.cluster.node_groups["general"], { min = 2 }) }
    }
    database = merge(var.database, { multi_az = false })
    audit    = { object_lock_days = 30, guardduty = false }
  }

  expect_failures = [var.network, var.cluster, var.database, var.audit]
}

run "one_way_out_and_what_can_be_deleted" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    network  = merge(var.network, { nat = "one" })
    database = merge(var.database, { deletion_protection = false })
    audit    = { object_lock_days = 30, force_destroy = true }
  }

  expect_failures = [var.network, var.database, var.audit]
}

run "what_is_kept_too_short_alerts_for_nobody_and_an_unknown_rotation" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    database      = merge(var.database, { backup_days = 6 })
    audit         = { object_lock_days = 30, retention_days = 90 }
    observability = { budget = { monthly_limit_usd = 100 } }
    secrets       = { rotation = "sometimes" }
  }

  expect_failures = [var.database, var.audit, var.observability, var.secrets]
}

run "no_last_snapshot_no_lock_no_budget_and_a_rotation_without_its_endpoints" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    database      = merge(var.database, { final_snapshot = false })
    audit         = {}
    observability = { alert_emails = ["on-call@example.org"] }
    secrets       = { rotation = "aws" }
  }

  expect_failures = [var.database, var.audit, var.observability, var.secrets]
}

run "guards_of_another_environment_and_nodes_with_taints_alone" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    audit = { object_lock_days = 30, account_wide = false }
    cluster = {
      node_groups = {
        general = merge(var.cluster.node_groups["general"], { taints = [{ key = "batch", effect = "NO_SCHEDULE" }] })
      }
    }
  }

  expect_failures = [var.audit, var.cluster]
}
