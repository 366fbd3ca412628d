locals {
  account     = data.aws_caller_identity.current.account_id
  cluster_arn = "arn:${data.aws_partition.current.partition}:eks:${data.aws_region.current.name}:${local.account}:cluster/${var.name}"
  policies    = "arn:${data.aws_partition.current.partition}:iam::aws:policy"
}

# --- The control plane ---

data "aws_iam_policy_document" "cluster_trust" {
  statement {
    sid     = "ThisClusterOfEks"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["eks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.cluster_arn]
    }
  }
}

resource "aws_iam_role" "cluster" {
  name               = "${var.name}-cluster"
  description        = "What the control plane of ${var.name} does in the VPC"
  assume_role_policy = data.aws_iam_policy_document.cluster_trust.json
}

resource "aws_iam_role_policy_attachment" "cluster" {
  role       = aws_iam_role.cluster.name
  policy_arn = "${local.policies}/AmazonEKSClusterPolicy"
}

resource "aws_iam_role_policy_attachments_exclusive" "cluster" {
  role_name   = aws_iam_role.cluster.name
  policy_arns = [aws_iam_role_policy_attachment.cluster.policy_arn]
}

resource "aws_iam_role_policies_exclusive" "cluster" {
  role_name    = aws_iam_role.cluster.name
  policy_names = []
}

# --- The nodes ---

data "aws_iam_policy_document" "node_trust" {
  statement {
    sid     = "Instances"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

# AmazonEKSWorkerNodeMinimalPolicy is for Auto Mode: a managed node also has to ask who it is and where its cluster is.
resource "aws_iam_role" "node" {
  name               = "${var.name}-node"
  description        = "What the nodes of ${var.name} do: join, and pull images"
  assume_role_policy = data.aws_iam_policy_document.node_trust.json
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset(["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"])

  role       = aws_iam_role.node.name
  policy_arn = "${local.policies}/${each.key}"
}

resource "aws_iam_role_policy_attachments_exclusive" "node" {
  role_name   = aws_iam_role.node.name
  policy_arns = [for attachment in aws_iam_role_policy_attachment.node : attachment.policy_arn]
}

resource "aws_iam_role_policies_exclusive" "node" {
  role_name    = aws_iam_role.node.name
  policy_names = []
}

# --- The VPC CNI: it moves network interfaces, so the nodes themselves need not be able to ---

data "aws_iam_policy_document" "cni_trust" {
  statement {
    sid     = "PodIdentityOfThisCluster"
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.cluster_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-service-account"
      values   = ["aws-node"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-namespace"
      values   = ["kube-system"]
    }
  }
}

resource "aws_iam_role" "cni" {
  name               = "${var.name}-cni"
  description        = "What the VPC CNI of ${var.name} does to network interfaces"
  assume_role_policy = data.aws_iam_policy_document.cni_trust.json
}

resource "aws_iam_role_policy_attachment" "cni" {
  role       = aws_iam_role.cni.name
  policy_arn = "${local.policies}/AmazonEKS_CNI_Policy"
}

resource "aws_iam_role_policy_attachments_exclusive" "cni" {
  role_name   = aws_iam_role.cni.name
  policy_arns = [aws_iam_role_policy_attachment.cni.policy_arn]
}

resource "aws_iam_role_policies_exclusive" "cni" {
  role_name    = aws_iam_role.cni.name
  policy_names = []
}
