locals {
  # Bottlerocket keeps images and pods on a second disk; its first one holds the system, read-only, in the size of the image.
  bottlerocket = { for name, group in var.node_groups : name => startswith(group.ami_type, "BOTTLEROCKET_") }
  disks = { for name, group in var.node_groups : name => (
    local.bottlerocket[name] ? { "/dev/xvda" = null, "/dev/xvdb" = group.disk_gib } : { "/dev/xvda" = group.disk_gib }
  ) }
}

# Image, user data and security group are left out: EKS fills in its own, and the group that nodes share with the API.
resource "aws_launch_template" "this" {
  for_each = var.node_groups

  name_prefix            = "${var.name}-${each.key}-"
  description            = "Nodes of the group ${each.key} of ${var.name}"
  update_default_version = true

  # A hop limit of 1 ends at the node: no pod on a network of its own gets the node's role.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "disabled"
  }

  dynamic "block_device_mappings" {
    for_each = local.disks[each.key]

    content {
      device_name = block_device_mappings.key

      ebs {
        volume_type           = "gp3"
        volume_size           = block_device_mappings.value
        encrypted             = true
        kms_key_id            = var.disks_key_arn
        delete_on_termination = true
      }
    }
  }

  dynamic "tag_specifications" {
    for_each = ["instance", "volume", "network-interface"]

    content {
      resource_type = tag_specifications.value
      tags          = merge(var.tags, { Name = "${var.name}-${each.key}" })
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

# What makes a group anew, such as other instance types, brings the new nodes before the old ones go: hence the prefix.
resource "aws_eks_node_group" "this" {
  for_each = var.node_groups

  cluster_name           = aws_eks_cluster.this.name
  node_group_name_prefix = "${each.key}-"
  node_role_arn          = aws_iam_role.node.arn
  subnet_ids             = data.aws_subnet.this[*].id
  version                = var.kubernetes_version
  ami_type               = each.value.ami_type
  capacity_type          = each.value.capacity_type
  instance_types         = each.value.instance_types
  labels                 = each.value.labels

  launch_template {
    id      = aws_launch_template.this[each.key].id
    version = aws_launch_template.this[each.key].latest_version
  }

  scaling_config {
    min_size     = each.value.min
    desired_size = each.value.desired
    max_size     = each.value.max
  }

  update_config {
    max_unavailable_percentage = 33
  }

  node_repair_config {
    enabled = var.node_repair
  }

  dynamic "taint" {
    for_each = each.value.taints

    content {
      key    = taint.value.key
      value  = taint.value.value
      effect = taint.value.effect
    }
  }

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [scaling_config[0].desired_size]
  }

  depends_on = [aws_eks_addon.vpc_cni, aws_eks_addon.before_nodes, aws_iam_role_policy_attachment.node]
}
