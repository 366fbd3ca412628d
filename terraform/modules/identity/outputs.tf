output "roles" {
  description = "ARN of every role by what follows the name, such as deploy or genomics-team"
  value       = { for role, each in merge(aws_iam_role.controller, aws_iam_role.this) : role => each.arn }
}

output "reader_role_arns" {
  description = "For each service, the role that reads its secrets"
  value       = { for service in keys(var.services) : service => aws_iam_role.this["${service}-secrets-reader"].arn }
}

output "rotation_role_arns" {
  description = "For each service, the role that rotates its database's password; empty without rotation"
  value       = { for service in keys(local.rotated) : service => aws_iam_role.this["${service}-rotation"].arn }
}

output "team_role_arns" {
  description = "For each service, the role of its team, for an access entry of the cluster"
  value       = { for service in keys(var.services) : service => aws_iam_role.this["${service}-team"].arn }
}
