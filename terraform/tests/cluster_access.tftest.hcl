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

run "people_and_pipelines" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    viewers = ["arn:aws:iam::111122223333:role/on-call"]
    team_roles = {
      genomics = { role_arn = "arn:aws:iam::111122223333:role/genomics-team", kubernetes_group = "genomics-team", namespaces = ["analyses"] }
      clinical = { role_arn = "arn:aws:iam::111122223333:role/clinical-team", kubernetes_group = "clinical-team", namespaces = ["consultations"], view = true }
    }
    deployers = {
      deploy = { role_arn = "arn:aws:iam::111122223333:role/deploy", kubernetes_group = "deployers", namespaces = ["analyses", "consultations"] }
    }
  }

  assert {
    condition = alltrue([
      for entry in concat(values(aws_eks_access_entry.administrator), values(aws_eks_access_entry.viewer), values(aws_eks_access_entry.team), values(aws_eks_access_entry.deployer)) :
      entry.type == "STANDARD" && entry.cluster_name == "careway-dev"
    ])
    error_message = "Entries are for people and pipelines; those of nodes are EKS's."
  }

  assert {
    condition = { for arn, each in aws_eks_access_policy_association.administrator : arn => [each.policy_arn, each.access_scope[0].type] } == {
      "arn:aws:iam::111122223333:role/platform" = ["arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", "cluster"]
    }
    error_message = "Administrators, and nobody else, may do everything."
  }

  assert {
    condition = { for arn, each in aws_eks_access_policy_association.viewer : arn => [each.policy_arn, each.access_scope[0].type] } == {
      "arn:aws:iam::111122223333:role/on-call" = ["arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", "cluster"]
    }
    error_message = "Viewers look, and not at Secrets, which the policy for administrators' views would show."
  }

  assert {
    condition = (
      aws_eks_access_entry.team["genomics"].kubernetes_groups == toset(["genomics-team"])
      && aws_eks_access_entry.team["genomics"].principal_arn == "arn:aws:iam::111122223333:role/genomics-team"
      && keys(aws_eks_access_policy_association.team) == ["clinical"]
    )
    error_message = "A team is its group: what it may look at says the chart, unless view is asked for."
  }

  assert {
    condition = (
      aws_eks_access_policy_association.team["clinical"].policy_arn == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
      && aws_eks_access_policy_association.team["clinical"].access_scope[0].type == "namespace"
      && aws_eks_access_policy_association.team["clinical"].access_scope[0].namespaces == toset(["consultations"])
    )
    error_message = "A team looks into its own namespaces."
  }

  assert {
    condition = (
      aws_eks_access_policy_association.deployer["deploy"].policy_arn == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy"
      && aws_eks_access_policy_association.deployer["deploy"].access_scope[0].type == "namespace"
      && aws_eks_access_policy_association.deployer["deploy"].access_scope[0].namespaces == toset(["analyses", "consultations"])
      && aws_eks_access_entry.deployer["deploy"].kubernetes_groups == toset(["deployers"])
    )
    error_message = "A deployer installs in the namespaces of the services alone."
  }
}

run "switches" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    public_access_cidrs  = ["203.0.113.0/24"]
    private_access_cidrs = ["10.200.0.0/16", "10.201.0.0/16"]
    service_cidr         = "172.20.0.0/16"
    irsa                 = true
    node_repair          = false
  }

  assert {
    condition     = !aws_eks_node_group.this["general"].node_repair_config[0].enabled
    error_message = "Repair can be switched off."
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["203.0.113.0/24"])
    error_message = "The public API is for who is listed."
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_private_access
    error_message = "Nodes never go through the public API."
  }

  assert {
    condition = (
      toset([for rule in aws_vpc_security_group_ingress_rule.private_access : rule.cidr_ipv4]) == toset(var.private_access_cidrs)
      && alltrue([for rule in aws_vpc_security_group_ingress_rule.private_access :
        rule.from_port == 443 && rule.to_port == 443 && rule.ip_protocol == "tcp" && rule.security_group_id == output.cluster_security_group_id
      ])
    )
    error_message = "The private API is open on 443 alone to the ranges that are named, in the group of the cluster."
  }

  assert {
    condition     = aws_eks_cluster.this.kubernetes_network_config[0].service_ipv4_cidr == "172.20.0.0/16"
    error_message = "The range of Services can be chosen."
  }

  assert {
    condition = (
      aws_iam_openid_connect_provider.this[0].url == "https://oidc.eks.eu-central-1.amazonaws.com/id/MADEUP"
      && aws_iam_openid_connect_provider.this[0].client_id_list == toset(["sts.amazonaws.com"])
      && output.oidc_provider_arn != null
    )
    error_message = "IRSA trusts the issuer of this cluster, for STS alone."
  }
}

run "another_partition" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn", dns_suffix = "amazonaws.com.cn", reverse_dns_prefix = "cn.com.amazonaws" }
  }

  assert {
    condition = (
      aws_iam_role_policy_attachment.cluster.policy_arn == "arn:aws-cn:iam::aws:policy/AmazonEKSClusterPolicy"
      && aws_eks_access_policy_association.administrator["arn:aws:iam::111122223333:role/platform"].policy_arn == "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    )
    error_message = "Policies of AWS are those of the partition."
  }
}
