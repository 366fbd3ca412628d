# Through which service each key may be used, as kms:ViaService names it. A purpose is a line here and nothing else,
# unless the service calls KMS in its own name: such are in policies.tf.
locals {
  services = {
    alerts   = ["sns"]
    audit    = ["s3"]
    database = ["rds", "secretsmanager", "dms", "backup"]
    delivery = ["s3", "codebuild"]
    disks    = ["ec2"]
    etcd     = ["eks"]
    logs     = ["logs"]
    metrics  = ["aps", "xray"]
    registry = ["ecr"]
    secrets  = ["secretsmanager"]
    state    = ["s3"]
  }

  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name
  account   = data.aws_caller_identity.current.account_id
  root      = "arn:${local.partition}:iam::${local.account}:root"

  # Unlike DNS suffixes, kms:ViaService ends in amazonaws.com in every partition.
  via = { for purpose, names in local.services : purpose => [for name in names : "${name}.${local.region}.amazonaws.com"] }
}

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}
