mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "refuses_a_long_name" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    name = "careway-with-a-long-name"
  }

  expect_failures = [var.name]
}

run "refuses_a_region_that_is_none" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    region = "Frankfurt"
  }

  expect_failures = [var.region]
}

run "refuses_no_environment" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    environments = []
  }

  expect_failures = [var.environments]
}

run "refuses_an_environment_twice" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    environments = ["dev", "dev"]
  }

  expect_failures = [var.environments]
}

run "refuses_an_unknown_environment" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    environments = ["test"]
  }

  expect_failures = [var.environments]
}

run "refuses_a_pattern_of_repositories" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    github = { repository = "example/*" }
  }

  expect_failures = [var.github]
}

run "refuses_a_service_that_is_none" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    service_linked_roles = ["autoscaling"]
  }

  expect_failures = [var.service_linked_roles]
}

run "refuses_a_state_that_is_soon_lost" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    state_version_days = 7
  }

  expect_failures = [var.state_version_days]
}
