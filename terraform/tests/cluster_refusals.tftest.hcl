# A run costs more than what it checks, so each one has as many mistakes as it has variables to make them in.
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

run "wildcards_and_the_world" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    administrators       = ["arn:aws:iam::111122223333:role/*"]
    viewers              = ["arn:aws:iam::111122223333:role/*"]
    team_roles           = { one = { role_arn = "arn:aws:iam::111122223333:role/*", kubernetes_group = "team", namespaces = ["analyses"] } }
    deployers            = { one = { role_arn = "*", kubernetes_group = "team", namespaces = ["analyses"] } }
    public_access_cidrs  = ["0.0.0.0/0"]
    private_access_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.administrators, var.viewers, var.team_roles, var.deployers, var.public_access_cidrs, var.private_access_cidrs]
}

run "users_and_the_world_of_ipv6" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    administrators       = ["arn:aws:iam::111122223333:user/ada"]
    viewers              = ["arn:aws:iam::111122223333:user/ada"]
    team_roles           = { one = { role_arn = "arn:aws:iam::111122223333:user/ada", kubernetes_group = "team", namespaces = ["analyses"] } }
    deployers            = { one = { role_arn = "arn:aws:sts::111122223333:assumed-role/deploy/ada", kubernetes_group = "team", namespaces = ["analyses"] } }
    public_access_cidrs  = ["::/0"]
    private_access_cidrs = ["vpn"]
  }

  expect_failures = [var.administrators, var.viewers, var.team_roles, var.deployers, var.public_access_cidrs, var.private_access_cidrs]
}

run "nobody_and_nothing" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    administrators      = []
    team_roles          = { one = { role_arn = "arn:aws:iam::111122223333:role/team", kubernetes_group = "team", namespaces = [] } }
    deployers           = { one = { role_arn = "arn:aws:iam::111122223333:role/team", kubernetes_group = "team", namespaces = [] } }
    node_groups         = {}
    subnet_ids          = ["subnet-00000000000000001"]
    public_access_cidrs = ["203.0.113.7"]
  }

  expect_failures = [var.administrators, var.team_roles, var.deployers, var.node_groups, var.subnet_ids, var.public_access_cidrs]
}

run "everywhere" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    administrators      = ["arn:aws:iam::111122223333:root"]
    team_roles          = { one = { role_arn = "arn:aws:iam::111122223333:role/team", kubernetes_group = "team", namespaces = ["*"] } }
    deployers           = { one = { role_arn = "arn:aws:iam::111122223333:role/team", kubernetes_group = "team", namespaces = ["*"] } }
    public_access_cidrs = ["0.0.0.0/1", "128.0.0.0/1"]
  }

  expect_failures = [var.administrators, var.team_roles, var.deployers, var.public_access_cidrs]
}

run "what_is_the_systems" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    team_roles  = { one = { role_arn = "arn:aws:iam::111122223333:role/team", kubernetes_group = "system:masters", namespaces = ["analyses"] } }
    deployers   = { one = { role_arn = "arn:aws:iam::111122223333:role/team", kubernetes_group = "system:masters", namespaces = ["analyses"] } }
    node_groups = { general = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 3, labels = { "node-role.kubernetes.io/worker" = "" } } }
    tags        = { "aws:createdBy" = "us" }
  }

  expect_failures = [var.team_roles, var.deployers, var.node_groups, var.tags]
}

run "what_is_the_clusters" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    team_roles  = { one = { role_arn = "arn:aws:iam::111122223333:role/team", kubernetes_group = "team", namespaces = ["kube-system"] } }
    deployers   = { one = { role_arn = "arn:aws:iam::111122223333:role/team", kubernetes_group = "team", namespaces = ["kube-system"] } }
    node_groups = { general = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 3, taints = [{ key = "purpose", effect = "NO_SCHEDULE" }] } }
    tags        = { Name = "ours" }
  }

  expect_failures = [var.team_roles, var.deployers, var.node_groups, var.tags]
}

run "a_role_in_two_places" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    viewers = ["arn:aws:iam::111122223333:role/platform"]
  }

  expect_failures = [aws_eks_access_entry.administrator["arn:aws:iam::111122223333:role/platform"]]
}

run "spellings" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    name                = "Careway"
    kubernetes_version  = "1.35.1"
    support_type        = "NONE"
    vpc_id              = "main"
    network_policy_mode = "off"
    addon_versions      = { coredns = "latest" }
    node_groups         = { General = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 3 } }
  }

  expect_failures = [var.name, var.kubernetes_version, var.support_type, var.vpc_id, var.network_policy_mode, var.addon_versions, var.node_groups]
}

run "aliases_of_keys" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    etcd_key_arn  = "arn:aws:kms:eu-central-1:111122223333:alias/careway-dev"
    disks_key_arn = "arn:aws:kms:eu-central-1:111122223333:alias/careway-dev"
    logs_key_arn  = "arn:aws:kms:eu-central-1:111122223333:alias/careway-dev"
  }

  expect_failures = [var.etcd_key_arn, var.disks_key_arn, var.logs_key_arn]
}

run "too_old_too_short_too_small" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    kubernetes_version               = "1.29"
    control_plane_log_retention_days = 7
    service_cidr                     = "172.20.0.0/28"
    node_groups                      = { general = { instance_types = ["m7g.large"], min = 2, desired = 2, max = 3, disk_gib = 10 } }
  }

  expect_failures = [var.kubernetes_version, var.control_plane_log_retention_days, var.service_cidr, var.node_groups]
}

run "twice_for_ever_and_unknown" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    subnet_ids                       = ["subnet-00000000000000001", "subnet-00000000000000002", "subnet-00000000000000002"]
    control_plane_log_retention_days = 0
    service_cidr                     = "203.0.113.0/24"
    addon_versions                   = { aws-ebs-csi-driver = "v1.40.0-eksbuild.1" }
    node_groups                      = { general = { instance_types = ["m7g"], min = 2, desired = 2, max = 3 } }
  }

  expect_failures = [var.subnet_ids, var.control_plane_log_retention_days, var.service_cidr, var.addon_versions, var.node_groups]
}

run "subnets_of_another_vpc" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    vpc_id = "vpc-00000000000000002"
  }

  expect_failures = [data.aws_subnet.this[0], data.aws_subnet.this[1]]
}

run "public_subnets" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  override_data {
    target = data.aws_subnet.this
    values = { vpc_id = "vpc-00000000000000001", map_public_ip_on_launch = true }
  }

  expect_failures = [data.aws_subnet.this[0], data.aws_subnet.this[1]]
}
