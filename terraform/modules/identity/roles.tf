# Every role that is not a controller's, by what follows the name. What it may do is in the file of its own.
locals {
  roles = merge(
    { for service, each in var.services : "${service}-secrets-reader" => {
      description = "Reads the secrets of ${service}, and no other's"
      trust       = local.reader_trusts[service]
      policy      = data.aws_iam_policy_document.secrets_reader[service].json
    } },
    { for service in keys(var.services) : "${service}-team" => {
      description = "The team of ${service}: finds the cluster, which decides the rest"
      trust       = data.aws_iam_policy_document.team_trust[service].json
      policy      = data.aws_iam_policy_document.team.json
      hours       = var.team_session_hours
    } },
    { for service in keys(local.rotated) : "${service}-rotation" => {
      description = "Rotates the password of the database of ${service}"
      trust       = data.aws_iam_policy_document.rotation_trust.json
      policy      = data.aws_iam_policy_document.rotation[service].json
    } },
    { "chart-reader" = {
      description = "Pulls charts, for the login that External Secrets writes for Argo CD"
      trust       = data.aws_iam_policy_document.controller_of_secrets.json
      policy      = data.aws_iam_policy_document.pull.json
    } },
    { for role in ["backup"] : role => {
      description = "Makes the snapshots of AWS Backup's plans"
      trust       = data.aws_iam_policy_document.backup_trust.json
      policy      = data.aws_iam_policy_document.backup.json
    } if var.backup },
    { for role in ["publish"] : role => {
      description = "Pushes image and chart, from one environment of one repository"
      trust       = data.aws_iam_policy_document.publish_trust.json
      policy      = data.aws_iam_policy_document.publish.json
    } if local.publishes },
    { for role in ["deploy"] : role => {
      description = "Finds the cluster and pulls what is deployed to it"
      trust       = data.aws_iam_policy_document.deploy_trust.json
      policy      = data.aws_iam_policy_document.deploy.json
    } if local.deploys },
  )
}

resource "aws_iam_role" "this" {
  for_each = local.roles

  name                 = "${var.name}-${each.key}"
  description          = each.value.description
  assume_role_policy   = each.value.trust
  max_session_duration = 3600 * try(each.value.hours, 1)
  permissions_boundary = var.permissions_boundary_arn

  # IAM takes a principal only once it is there.
  depends_on = [aws_iam_role.controller]
}

resource "aws_iam_role_policy" "this" {
  for_each = local.roles

  name   = each.key
  role   = aws_iam_role.this[each.key].name
  policy = each.value.policy
}

# What somebody adds by hand is seen as drift, and taken away at the next apply.
resource "aws_iam_role_policies_exclusive" "this" {
  for_each = aws_iam_role_policy.this

  role_name    = each.value.role
  policy_names = [each.value.name]
}

resource "aws_iam_role_policy_attachments_exclusive" "this" {
  for_each = aws_iam_role.this

  role_name   = each.value.name
  policy_arns = []
}
