mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  mock_data "aws_subnet" {
    defaults = {
      vpc_id                  = "vpc-00000000000000001"
      map_public_ip_on_launch = false
    }
  }
}

variables {
  name           = "careway-dev"
  vpc_id         = "vpc-00000000000000001"
  subnet_ids     = ["subnet-00000000000000001", "subnet-00000000000000002"]
  etcd_key_arn   = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  disks_key_arn  = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000002"
  logs_key_arn   = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000003"
  administrators = ["arn:aws:iam::111122223333:role/platform"]
  node_groups    = { general = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 3 } }
}

run "more_nodes_wanted_than_allowed" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    node_groups = { general = { instance_types = ["m7g.large"], min = 2, desired = 4, max = 3 } }
  }

  expect_failures = [var.node_groups]
}

run "a_minimum_above_the_maximum" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    node_groups = { general = { instance_types = ["m7g.large"], min = 4, desired = 4, max = 3 } }
  }

  expect_failures = [var.node_groups]
}

run "half_a_node" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    node_groups = { general = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 2.5 } }
  }

  expect_failures = [var.node_groups]
}

run "no_instance_type" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    node_groups = { general = { instance_types = [], min = 2, desired = 2, max = 3 } }
  }

  expect_failures = [var.node_groups]
}

run "amazon_linux_2" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    node_groups = { general = { instance_types = ["m7i.large"], min = 2, desired = 2, max = 3, ami_type = "AL2_x86_64" } }
  }

  expect_failures = [var.node_groups]
}

run "a_graphics_card_taken_for_graviton" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    node_groups = { general = { instance_types = ["g5.xlarge"], min = 2, desired = 2, max = 3 } }
  }

  expect_failures = [var.node_groups]
}

run "graviton_with_an_image_for_x86" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    node_groups = { general = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 3, ami_type = "BOTTLEROCKET_x86_64" } }
  }

  expect_failures = [var.node_groups]
}

run "another_kind_of_capacity" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    node_groups = { general = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 3, capacity_type = "RESERVED" } }
  }

  expect_failures = [var.node_groups]
}

run "an_effect_in_the_spelling_of_kubernetes" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    node_groups = { general = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 3 }, batch = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 3, taints = [{ key = "purpose", effect = "NoSchedule" }] } }
  }

  expect_failures = [var.node_groups]
}

run "a_last_node_that_may_go" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    node_groups = { general = { instance_types = ["m7g.large"], min = 0, desired = 2, max = 3 } }
  }

  expect_failures = [var.node_groups]
}
