output "arns" {
  description = "ARN of the key of each purpose"
  value       = { for purpose, key in aws_kms_key.this : purpose => key.arn }
}

output "alias_names" {
  description = "Alias of the key of each purpose"
  value       = { for purpose, alias in aws_kms_alias.this : purpose => alias.name }
}
