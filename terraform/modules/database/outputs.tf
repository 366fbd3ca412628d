output "host" {
  description = "Host of the database"
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Port of the database"
  value       = local.port
}

output "database" {
  description = "Name of the service's database, and of the role that owns it"
  value       = "careway_${var.service}"
}

output "arn" {
  description = "ARN of the instance"
  value       = aws_db_instance.this.arn
}

output "resource_id" {
  description = "Identifier that policies of rds-db:connect name"
  value       = aws_db_instance.this.resource_id
}

output "identifier" {
  description = "Identifier of the instance"
  value       = local.identifier
}

output "security_group_id" {
  description = "Security group of the database"
  value       = aws_security_group.this.id
}

output "master_username" {
  description = "Administrator; no superuser, as RDS has none"
  value       = local.username
}

output "master_secret_arn" {
  description = "Secret with the administrator's password, which RDS makes and rotates"
  value       = one(aws_db_instance.this.master_user_secret[*].secret_arn)
}

output "parameter_group_name" {
  description = "Parameter group"
  value       = aws_db_parameter_group.this.name
}

output "log_group_names" {
  description = "Log groups of PostgreSQL, by the name of the log"
  value       = { for log, group in aws_cloudwatch_log_group.this : log => group.name }
}
