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
  subnet_ids     = ["subnet-00000000000000001", "subnet-00000000000000002", "subnet-00000000000000003"]
  etcd_key_arn   = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  disks_key_arn  = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000002"
  logs_key_arn   = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000003"
  administrators = ["arn:aws:iam::111122223333:role/platform"]
  tags           = { CostCentre = "4711" }
  node_groups = {
    general = { instance_types = ["m7g.large", "m6g.large"], min = 2, desired = 3, max = 6 }
  }
}

run "as_it_comes" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  assert {
    condition     = !aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].endpoint_private_access
    error_message = "The API is private, and only that, until somebody names who may come from outside."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.private_access) == 0
    error_message = "Nobody outside the VPC reaches the private API unasked."
  }

  assert {
    condition = (
      aws_eks_cluster.this.access_config[0].authentication_mode == "API"
      && !aws_eks_cluster.this.access_config[0].bootstrap_cluster_creator_admin_permissions
    )
    error_message = "Access is by entries alone, and who creates the cluster is no administrator by that."
  }

  assert {
    condition = (
      aws_eks_cluster.this.encryption_config[0].provider[0].key_arn == var.etcd_key_arn
      && aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"])
    )
    error_message = "Secrets are in an envelope of the key for etcd."
  }

  assert {
    condition     = aws_eks_cluster.this.enabled_cluster_log_types == toset(["api", "audit", "authenticator", "controllerManager", "scheduler"])
    error_message = "All five logs of the control plane are on."
  }

  assert {
    condition = (
      aws_cloudwatch_log_group.control_plane.name == "/aws/eks/careway-dev/cluster"
      && aws_cloudwatch_log_group.control_plane.kms_key_id == var.logs_key_arn
      && aws_cloudwatch_log_group.control_plane.retention_in_days == 365
    )
    error_message = "The log group is the one that EKS writes to, encrypted by our key, kept for a year."
  }

  assert {
    condition     = !aws_eks_cluster.this.bootstrap_self_managed_addons && aws_eks_cluster.this.version == "1.35" && aws_eks_cluster.this.upgrade_policy[0].support_type == "EXTENDED"
    error_message = "The add-ons are EKS's own from the start, and AWS does not raise the version by itself."
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].subnet_ids == toset(var.subnet_ids)
    error_message = "The cluster is in the subnets that were given, all of them."
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.this) == 0 && output.oidc_provider_arn == null
    error_message = "There is no IRSA unasked."
  }

  assert {
    condition     = output.oidc_issuer_url == "https://oidc.eks.eu-central-1.amazonaws.com/id/MADEUP" && output.certificate_authority == "bWFkZSB1cA=="
    error_message = "The issuer and the authority of the API are handed on."
  }

  assert {
    condition = alltrue([
      for trust in [data.aws_iam_policy_document.cluster_trust, data.aws_iam_policy_document.cni_trust] : alltrue([
        for wanted in [["aws:SourceAccount", "111122223333"], ["aws:SourceArn", "arn:aws:eks:eu-central-1:111122223333:cluster/careway-dev"]] :
        length([for each in trust.statement[0].condition : each if each.variable == wanted[0] && each.values == tolist([wanted[1]]) && endswith(each.test, "Equals")]) == 1
      ])
    ])
    error_message = "EKS takes the roles of control plane and CNI for this cluster of this account alone."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.cluster_trust.statement[0].actions == toset(["sts:AssumeRole"])
      && data.aws_iam_policy_document.cni_trust.statement[0].actions == toset(["sts:AssumeRole", "sts:TagSession"])
      && length([for each in data.aws_iam_policy_document.cni_trust.statement[0].condition : each if each.variable == "aws:RequestTag/kubernetes-service-account" && each.values == tolist(["aws-node"])]) == 1
    )
    error_message = "Pod Identity may tag its sessions, and the CNI's role is for its service account alone."
  }

  assert {
    condition = toset([for attachment in aws_iam_role_policy_attachment.node : attachment.policy_arn]) == toset([
      "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy", "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
    ])
    error_message = "Nodes join and pull, no more: network interfaces are the CNI's."
  }

  assert {
    condition = (
      aws_iam_role_policy_attachments_exclusive.node.policy_arns == toset([for attachment in aws_iam_role_policy_attachment.node : attachment.policy_arn])
      && aws_iam_role_policy_attachments_exclusive.cluster.policy_arns == toset(["arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"])
      && aws_iam_role_policy_attachments_exclusive.cni.policy_arns == toset(["arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"])
    )
    error_message = "A policy that somebody attaches by hand is drift."
  }

  assert {
    condition = alltrue([
      for role in [aws_iam_role_policies_exclusive.node, aws_iam_role_policies_exclusive.cluster, aws_iam_role_policies_exclusive.cni] :
      length(coalesce(role.policy_names, [])) == 0
    ])
    error_message = "An inline policy is drift."
  }

  assert {
    condition     = output.node_role_name == "careway-dev-node" && aws_iam_role.cluster.name == "careway-dev-cluster" && aws_iam_role.cni.name == "careway-dev-cni"
    error_message = "Roles bear the name of the cluster."
  }
  assert {
    condition = jsondecode(aws_eks_addon.vpc_cni.configuration_values) == {
      enableNetworkPolicy = "true", env = { NETWORK_POLICY_ENFORCING_MODE = "standard" }
    }
    error_message = "Network policy is on, and not strict at the first apply: CoreDNS would be cut off."
  }
}

run "addons_as_asked_for" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    network_policy_mode = "strict"
    addon_versions      = { vpc-cni = "v1.20.4-eksbuild.2", coredns = "v1.12.4-eksbuild.1" }
  }

  assert {
    condition     = keys(aws_eks_addon.before_nodes) == ["eks-pod-identity-agent", "kube-proxy"] && keys(aws_eks_addon.on_nodes) == ["coredns", "metrics-server"]
    error_message = "What makes a node ready comes before the nodes, what runs on them after."
  }

  assert {
    condition = jsondecode(aws_eks_addon.vpc_cni.configuration_values) == {
      enableNetworkPolicy = "true", env = { NETWORK_POLICY_ENFORCING_MODE = "strict" }
    }
    error_message = "Strict mode reaches the CNI."
  }

  assert {
    condition     = [for each in aws_eks_addon.vpc_cni.pod_identity_association : [each.service_account, each.role_arn]] == [["aws-node", aws_iam_role.cni.arn]]
    error_message = "The CNI has its own role, by Pod Identity."
  }

  assert {
    condition     = aws_eks_addon.vpc_cni.addon_version == "v1.20.4-eksbuild.2" && aws_eks_addon.on_nodes["coredns"].addon_version == "v1.12.4-eksbuild.1"
    error_message = "A version that is named holds."
  }

  assert {
    condition = alltrue([
      for addon in concat([aws_eks_addon.vpc_cni], values(aws_eks_addon.before_nodes), values(aws_eks_addon.on_nodes)) :
      addon.resolve_conflicts_on_create == "OVERWRITE" && addon.resolve_conflicts_on_update == "OVERWRITE" && addon.cluster_name == "careway-dev"
    ])
    error_message = "What stands in the module goes before changes by hand."
  }
}
