# What the platform refuses in every environment. A run makes one mistake in each of several variables, and passes only where each of
# them is refused: so no mistake hides another. production's own rules are in platform_production_refusals.
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
  environment    = "dev"
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
}

# With an unknown environment, Terraform does not ask what refers to it.
run "an_unknown_environment_and_a_service_without_its_secret_key" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    environment = "test"
    secret_keys = { genomics = "made-up-made-up-made-up-made-up-made-up-made-up-genomics" }
  }

  expect_failures = [var.environment, var.secret_keys]
}

run "nobody_nothing_one_zone_and_no_backups" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    administrators = []
    services       = {}
    network        = merge(var.network, { zone_count = 1 })
    database       = merge(var.database, { backup_days = 0 })
  }

  expect_failures = [var.administrators, var.services, var.network, var.database]
}

run "everybody" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    administrators = ["*"]
    services       = merge(var.services, { genomics = merge(var.services["genomics"], { team_principals = ["*"] }) })
    registry       = { pull_principals = ["*"] }
    cluster        = merge(var.cluster, { public_access_cidrs = ["0.0.0.0/0"] })
  }

  expect_failures = [var.administrators, var.services, var.registry, var.cluster]
}

run "wildcards_in_roles_and_half_the_world" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    administrators = ["arn:aws:iam::111122223333:role/*"]
    services       = merge(var.services, { genomics = merge(var.services["genomics"], { team_principals = ["arn:aws:iam::111122223333:role/*"] }) })
    registry       = { push_principals = ["arn:aws:iam::111122223333:role/*"] }
    cluster        = merge(var.cluster, { public_access_cidrs = ["128.0.0.0/1"] })
  }

  expect_failures = [var.administrators, var.services, var.registry, var.cluster]
}

run "users_instead_of_roles_the_world_by_ipv6_and_five_zones" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    administrators = ["arn:aws:iam::111122223333:user/somebody"]
    services       = merge(var.services, { genomics = merge(var.services["genomics"], { team_principals = ["arn:aws:iam::111122223333:user/somebody"] }) })
    cluster        = merge(var.cluster, { public_access_cidrs = ["::/0"] })
    network        = merge(var.network, { zone_count = 5 })
  }

  expect_failures = [var.administrators, var.services, var.cluster, var.network]
}

run "names_that_cannot_be" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    project  = "care--way"
    services = { "gen-omics" = var.services["genomics"] }
    network  = merge(var.network, { cidr = "10.16.0.1/16" })
  }

  expect_failures = [var.project, var.services, var.network]
}

run "a_long_name_a_small_network_and_a_namespace_in_capitals" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    project  = "careway-of-a-very-large-hospital"
    services = merge(var.services, { genomics = merge(var.services["genomics"], { namespace = "Analyses" }) })
    network  = merge(var.network, { cidr = "10.16.0.0/21" })
    database = merge(var.database, { backup_days = 36 })
  }

  expect_failures = [var.project, var.services, var.network, var.database]
}

run "an_empty_team_and_a_network_inside_a_taken_one" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    services = merge(var.services, { genomics = merge(var.services["genomics"], { team_principals = [] }) })
    network  = { cidr = "10.32.128.0/20", taken_cidrs = ["10.48.0.0/16", "10.32.0.0/16"] }
    database = merge(var.database, { copy_days = 36 })
  }

  expect_failures = [var.services, var.network, var.database]
}

run "one_namespace_for_two_and_a_network_around_a_taken_one" {
  command = plan

  module {
    source = "./modules/platform"
  }

  variables {
    services = { for service, each in var.services : service => merge(each, { namespace = "analyses" }) }
    network  = { cidr = "10.32.0.0/16", taken_cidrs = ["10.48.0.0/16", "10.32.128.0/20"] }
    database = merge(var.database, { copy_days = -1 })
  }

  expect_failures = [var.services, var.network, var.database]
}
