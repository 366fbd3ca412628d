locals {
  teams_and_deployers = concat(values(var.team_roles)[*].role_arn, values(var.deployers)[*].role_arn)
  principals          = concat(var.administrators, var.viewers, local.teams_and_deployers)
  access_policies     = "arn:${data.aws_partition.current.partition}:eks::aws:cluster-access-policy"
}

# Entries of people and pipelines. Those of the nodes' role (EC2_LINUX) are made by EKS with the first managed group.
resource "aws_eks_access_entry" "administrator" {
  for_each = toset(var.administrators)

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.key
  type          = "STANDARD"

  # EKS has one entry for a principal: a second one would fail in the middle of an apply.
  lifecycle {
    precondition {
      condition     = length(distinct(local.principals)) == length(local.principals)
      error_message = "administrators, viewers, team_roles and deployers name a role twice, and a role has one entry in a cluster: leave it in one of them."
    }
  }
}

resource "aws_eks_access_policy_association" "administrator" {
  for_each = aws_eks_access_entry.administrator

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.value.principal_arn
  policy_arn    = "${local.access_policies}/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

resource "aws_eks_access_entry" "viewer" {
  for_each = toset(var.viewers)

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.key
  type          = "STANDARD"
}

resource "aws_eks_access_policy_association" "viewer" {
  for_each = aws_eks_access_entry.viewer

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.value.principal_arn
  policy_arn    = "${local.access_policies}/AmazonEKSViewPolicy"

  access_scope {
    type = "cluster"
  }
}

# A group alone: what it may look at says the Role of the chart, in each namespace by itself.
resource "aws_eks_access_entry" "team" {
  for_each = var.team_roles

  cluster_name      = aws_eks_cluster.this.name
  principal_arn     = each.value.role_arn
  kubernetes_groups = [each.value.kubernetes_group]
  type              = "STANDARD"
}

resource "aws_eks_access_policy_association" "team" {
  for_each = { for name, role in var.team_roles : name => role if role.view }

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = aws_eks_access_entry.team[each.key].principal_arn
  policy_arn    = "${local.access_policies}/AmazonEKSViewPolicy"

  access_scope {
    type       = "namespace"
    namespaces = each.value.namespaces
  }
}

resource "aws_eks_access_entry" "deployer" {
  for_each = var.deployers

  cluster_name      = aws_eks_cluster.this.name
  principal_arn     = each.value.role_arn
  kubernetes_groups = [each.value.kubernetes_group]
  type              = "STANDARD"
}

# Admin of a namespace and not Edit: the chart brings a Role, which Edit may not write. deployers.yaml has what else it takes.
resource "aws_eks_access_policy_association" "deployer" {
  for_each = var.deployers

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = aws_eks_access_entry.deployer[each.key].principal_arn
  policy_arn    = "${local.access_policies}/AmazonEKSAdminPolicy"

  access_scope {
    type       = "namespace"
    namespaces = each.value.namespaces
  }
}
