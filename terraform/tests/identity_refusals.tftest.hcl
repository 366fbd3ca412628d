# Each run holds one wrong value of several variables, since a run costs more than what it refuses.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name            = "careway-dev"
  cluster_name    = "careway-dev"
  cluster_arn     = "arn:aws:eks:eu-central-1:111122223333:cluster/careway-dev"
  vpc_id          = "vpc-0123456789abcdef0"
  secrets_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  registry_arns   = ["arn:aws:ecr:eu-central-1:111122223333:repository/careway"]
  services = {
    genomics = {
      namespace       = "analyses"
      secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
    }
  }
  team_principals = { genomics = ["arn:aws:iam::111122223333:role/genomics-people"] }
}

run "nothing_where_something_has_to_be" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services        = {}
    team_principals = {}
    registry_arns   = []
    hub = {
      account_id  = "444455556666"
      role_names  = []
      external_id = "made-up"
    }
    github = {
      provider_arn = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
      repository   = "careway/careway"
    }
  }
  expect_failures = [var.services, var.registry_arns, var.hub, var.github]
}

run "names_of_another_form" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      Genomics_1 = {
        namespace       = "analyses"
        secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
      }
    }
    team_principals  = { Genomics_1 = ["arn:aws:iam::111122223333:role/people"] }
    cluster_name     = "careway-*"
    cluster_arn      = "arn:aws:ecs:eu-central-1:111122223333:cluster/careway-dev"
    vpc_id           = "careway-dev"
    team_account_ids = ["careway"]
    hub = {
      account_id  = "hub"
      role_names  = ["deployer"]
      external_id = "made-up"
    }
  }
  expect_failures = [var.services, var.cluster_name, var.cluster_arn, var.vpc_id, var.team_account_ids, var.hub]
}

run "more_or_less_than_fits" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      genomics-of-rare-diseases-in-the-whole-of-europe = {
        namespace       = "analyses"
        secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
      }
    }
    team_principals    = { genomics-of-rare-diseases-in-the-whole-of-europe = ["arn:aws:iam::111122223333:role/people"] }
    team_session_hours = 9
    hub = {
      account_id  = "444455556666"
      role_names  = ["deployer"]
      external_id = "x"
    }
  }
  expect_failures = [var.services, var.team_session_hours, var.hub]
}

run "wildcards" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      genomics = {
        namespace       = "*"
        secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
      }
    }
    service_accounts      = { autoscaler = { namespace = "*", name = "cluster-autoscaler" } }
    registry_arns         = ["arn:aws:ecr:eu-central-1:111122223333:repository/*"]
    metrics_workspace_arn = "arn:aws:aps:eu-central-1:111122223333:workspace/*"
    log_group_arns        = ["arn:aws:logs:eu-central-1:111122223333:log-group:/careway/*"]
    hub = {
      account_id  = "444455556666"
      role_names  = ["*"]
      external_id = "made-up"
    }
    github = {
      provider_arn       = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
      repository         = "careway/*"
      deploy_environment = "dev"
    }
  }
  expect_failures = [var.services, var.service_accounts, var.registry_arns, var.metrics_workspace_arn, var.log_group_arns, var.hub, var.github]
}

run "wildcards_where_pods_and_workflows_are_named" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      genomics = {
        namespace               = "analyses"
        secret_path_arn         = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
        secrets_service_account = "*"
      }
    }
    github = {
      provider_arn       = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
      repository         = "careway/careway"
      deploy_environment = "*"
    }
  }
  expect_failures = [var.services, var.github]
}

run "arns_of_another_kind" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      genomics = {
        namespace       = "analyses"
        secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:*"
      }
    }
    secrets_key_arn          = "arn:aws:kms:eu-central-1:111122223333:alias/secrets"
    database_key_arn         = "arn:aws:kms:eu-central-1:111122223333:alias/database"
    permissions_boundary_arn = "arn:aws:iam::111122223333:role/boundary"
    github = {
      provider_arn       = "https://token.actions.githubusercontent.com"
      repository         = "careway/careway"
      deploy_environment = "dev"
    }
  }
  expect_failures = [var.services, var.secrets_key_arn, var.database_key_arn, var.permissions_boundary_arn, var.github]
}

run "a_path_with_a_wildcard_within_and_an_organization_that_is_none" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      genomics = {
        namespace       = "analyses"
        secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-*/genomics/*"
      }
    }
    hub = {
      account_id      = "444455556666"
      role_names      = ["deployer"]
      organization_id = "careway"
    }
    team_session_hours = 0.5
  }
  expect_failures = [var.services, var.hub, var.team_session_hours]
}

run "a_path_without_its_wildcard_and_a_hub_that_shows_nothing" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      genomics = {
        namespace       = "analyses"
        secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics"
      }
    }
    hub = {
      account_id = "444455556666"
      role_names = ["deployer"]
    }
  }
  expect_failures = [var.services, var.hub]
}

run "a_path_within_another" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      genomics = {
        namespace       = "analyses"
        secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
      }
      clinical = {
        namespace       = "consultations"
        secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/clinical/*"
      }
    }
    team_principals = {
      genomics = ["arn:aws:iam::111122223333:role/people"]
      clinical = ["arn:aws:iam::111122223333:role/people"]
    }
  }
  expect_failures = [var.services]
}

run "another_way_to_read" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      genomics = {
        namespace       = "analyses"
        secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
        secrets_via     = "keys"
      }
    }
  }
  expect_failures = [var.services]
}

run "irsa_without_a_provider" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      genomics = {
        namespace       = "analyses"
        secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
        secrets_via     = "irsa"
      }
    }
  }
  expect_failures = [var.services]
}

run "a_master_with_a_wildcard" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      genomics = {
        namespace         = "analyses"
        secret_path_arn   = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
        master_secret_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!*"
      }
    }
  }
  expect_failures = [var.services]
}

run "an_environment_and_an_issuer_of_another_form" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    name              = "Careway_Dev"
    oidc_provider_arn = "arn:aws:iam::111122223333:role/oidc"
    oidc_issuer_url   = "http://oidc.example.org"
  }
  expect_failures = [var.name, var.oidc_provider_arn, var.oidc_issuer_url]
}
