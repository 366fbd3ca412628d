data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

# Read to be checked: a cluster in the wrong subnets shows it only after a quarter of an hour.
data "aws_subnet" "this" {
  count = length(var.subnet_ids)
  id    = var.subnet_ids[count.index]

  lifecycle {
    postcondition {
      condition     = self.vpc_id == var.vpc_id
      error_message = "subnet_ids names ${self.id}, which is not in ${var.vpc_id}: pass subnets of that VPC."
    }
    postcondition {
      condition     = !self.map_public_ip_on_launch
      error_message = "subnet_ids names ${self.id}, which gives its machines public addresses: nodes belong in private subnets."
    }
  }
}

# Made before the cluster: EKS would make it itself, unencrypted and without an end.
resource "aws_cloudwatch_log_group" "control_plane" {
  name              = "/aws/eks/${var.name}/cluster"
  kms_key_id        = var.logs_key_arn
  retention_in_days = var.control_plane_log_retention_days
}

resource "aws_eks_cluster" "this" {
  name     = var.name
  version  = var.kubernetes_version
  role_arn = aws_iam_role.cluster.arn

  enabled_cluster_log_types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

  # Else EKS puts copies of its own of CNI, proxy and CoreDNS into the cluster, which the add-ons then have to take over.
  bootstrap_self_managed_addons = false

  # No aws-auth, and no hidden administrator: who may enter stands in access.tf alone.
  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = var.etcd_key_arn
    }
  }

  kubernetes_network_config {
    ip_family         = "ipv4"
    service_ipv4_cidr = var.service_cidr
  }

  upgrade_policy {
    support_type = var.support_type
  }

  vpc_config {
    subnet_ids              = data.aws_subnet.this[*].id
    endpoint_private_access = true
    endpoint_public_access  = length(var.public_access_cidrs) > 0
    public_access_cidrs     = length(var.public_access_cidrs) > 0 ? var.public_access_cidrs : null
  }

  depends_on = [aws_cloudwatch_log_group.control_plane, aws_iam_role_policy_attachment.cluster]
}

# The nodes are in this group too, so that they reach the API without a rule here.
resource "aws_vpc_security_group_ingress_rule" "private_access" {
  for_each = toset(var.private_access_cidrs)

  security_group_id = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  description       = "The API's private address, from ${each.key}"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# AWS checks the issuer's certificate against its own authorities, so no thumbprint is kept.
resource "aws_iam_openid_connect_provider" "this" {
  count = var.irsa ? 1 : 0

  url            = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]
}
