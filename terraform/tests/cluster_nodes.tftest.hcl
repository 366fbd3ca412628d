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
  tags           = { CostCentre = "4711" }
  node_groups = {
    general = { instance_types = ["m7g.large", "m6g.large"], min = 2, desired = 3, max = 6 }
    batch = {
      instance_types = ["m7i.large"], min = 0, desired = 0, max = 2, ami_type = "AL2023_x86_64_STANDARD", disk_gib = 80, capacity_type = "SPOT"
      labels         = { "careway.example/purpose" = "batch" }, taints = [{ key = "purpose", value = "batch", effect = "NO_SCHEDULE" }]
    }
  }
}

run "nodes" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  assert {
    condition = alltrue([for template in aws_launch_template.this :
      template.metadata_options[0].http_tokens == "required" && template.metadata_options[0].http_put_response_hop_limit == 1
    ])
    error_message = "Metadata are given for a token alone, and do not reach a pod."
  }

  assert {
    condition = alltrue(flatten([for template in aws_launch_template.this : [for disk in template.block_device_mappings :
      disk.ebs[0].encrypted == "true" && disk.ebs[0].kms_key_id == var.disks_key_arn && disk.ebs[0].delete_on_termination == "true"
    ]]))
    error_message = "Every disk is encrypted by our key, and goes with its machine."
  }

  # The size that the image has is left to it.
  assert {
    condition = (
      [for disk in aws_launch_template.this["general"].block_device_mappings : disk.device_name] == ["/dev/xvda", "/dev/xvdb"]
      && aws_launch_template.this["general"].block_device_mappings[1].ebs[0].volume_size == 50
    )
    error_message = "Bottlerocket keeps images and pods on its second disk, and that has the size."
  }

  assert {
    condition = (
      [for disk in aws_launch_template.this["batch"].block_device_mappings : disk.device_name] == ["/dev/xvda"]
      && aws_launch_template.this["batch"].block_device_mappings[0].ebs[0].volume_size == 80
    )
    error_message = "Amazon Linux has one disk, and that has the size."
  }

  assert {
    condition = alltrue([for name, template in aws_launch_template.this :
      { for each in template.tag_specifications : each.resource_type => each.tags } == {
        for type in ["instance", "volume", "network-interface"] : type => tomap({ CostCentre = "4711", Name = "careway-dev-${name}" })
      }
    ])
    error_message = "Machines, disks and interfaces bear the tags, which a node group does not hand on."
  }

  assert {
    condition     = alltrue([for template in aws_launch_template.this : template.user_data == null && template.vpc_security_group_ids == null && length(template.network_interfaces) == 0])
    error_message = "User data, security group and interfaces are what EKS fills in."
  }

  assert {
    condition = (
      aws_eks_node_group.this["general"].ami_type == "BOTTLEROCKET_ARM_64" && aws_eks_node_group.this["general"].capacity_type == "ON_DEMAND"
      && aws_eks_node_group.this["general"].instance_types == tolist(["m7g.large", "m6g.large"])
    )
    error_message = "Unless told otherwise, nodes run Bottlerocket on Graviton, on demand."
  }

  assert {
    condition = (
      aws_eks_node_group.this["general"].scaling_config[0].min_size == 2
      && aws_eks_node_group.this["general"].scaling_config[0].desired_size == 3
      && aws_eks_node_group.this["general"].scaling_config[0].max_size == 6
    )
    error_message = "A group has the size that was asked for."
  }

  assert {
    condition = alltrue([for name, group in aws_eks_node_group.this :
      group.version == "1.35" && group.subnet_ids == toset(var.subnet_ids) && group.node_group_name_prefix == "${name}-"
      && group.update_config[0].max_unavailable_percentage == 33 && group.node_repair_config[0].enabled
      && group.launch_template[0].id == aws_launch_template.this[name].id
    ])
    error_message = "Nodes have the cluster's version, are in its subnets, are renewed by thirds and repaired, and come by the template."
  }

  assert {
    condition = (
      aws_eks_node_group.this["batch"].capacity_type == "SPOT" && aws_eks_node_group.this["batch"].labels == tomap({ "careway.example/purpose" = "batch" })
      && [for each in aws_eks_node_group.this["batch"].taint : [each.key, each.value, each.effect]] == [["purpose", "batch", "NO_SCHEDULE"]]
    )
    error_message = "Capacity, labels and taints are the group's own."
  }
}
