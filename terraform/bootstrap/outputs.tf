output "state_bucket" {
  description = "Name of the bucket of the state, for each environment's backend"
  value       = aws_s3_bucket.state.id
}

output "state_bucket_arn" {
  description = "ARN of the bucket of the state, for watched_bucket_arns of the module audit"
  value       = aws_s3_bucket.state.arn
}

output "state_key_arn" {
  description = "ARN of the key that encrypts the state"
  value       = module.keys.arns["state"]
}

output "github_provider_arn" {
  description = "ARN of GitHub's identity provider; null without github"
  value       = local.github_provider_arn
}

output "plan_role_arns" {
  description = "ARN of the role with which CI plans, by environment"
  value       = { for environment, role in aws_iam_role.plan : environment => role.arn }
}

output "apply_role_arns" {
  description = "ARN of the role with which CI applies, by environment"
  value       = { for environment, role in aws_iam_role.apply : environment => role.arn }
}

output "boundary_arn" {
  description = "ARN of the permissions boundary of CI's roles; null without github"
  value       = one(aws_iam_policy.boundary[*].arn)
}
