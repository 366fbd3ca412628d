output "host" {
  description = "Host of the registry, which a login is for"
  value       = local.host
}

output "urls" {
  description = "Address of each repository by its name, without a tag"
  value       = { for name, repository in aws_ecr_repository.this : name => "${local.host}/${repository.name}" }
}

output "arns" {
  description = "ARN of each repository by its name"
  value       = { for name, repository in aws_ecr_repository.this : name => repository.arn }
}
