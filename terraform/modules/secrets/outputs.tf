output "service_secret_arn" {
  description = "ARN of the service's secret, with the property secret-key"
  value       = aws_secretsmanager_secret.service.arn
}

output "service_secret_name" {
  description = "Name of the service's secret"
  value       = aws_secretsmanager_secret.service.name
}

output "database_secret_arn" {
  description = "ARN of the database user's secret, with the properties username and password"
  value       = aws_secretsmanager_secret.database.arn
}

output "database_secret_name" {
  description = "Name of the database user's secret"
  value       = aws_secretsmanager_secret.database.name
}

# The slash ends the service's name: without it careway-dev/genomics* would also be careway-dev/genomics2.
output "path_arn_pattern" {
  description = "Pattern of the ARNs of this service's secrets, for the policy of a reader"
  value       = "arn:${data.aws_partition.current.partition}:secretsmanager:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:secret:${local.path}/*"
}

output "database_users" {
  description = "The two users that take turns"
  value       = [local.user, "${local.user}_clone"]
}

output "database_first_value" {
  description = "First value of the database user's secret, all but the password, as JSON"
  value = var.database == null ? null : jsonencode(merge(
    {
      engine   = "postgres"
      host     = var.database.host
      port     = var.database.port
      dbname   = var.database.database
      username = local.user
      # The function would otherwise try without TLS what failed with it.
      ssl = true
    },
    var.master_secret == null ? {} : { masterarn = var.master_secret.arn },
  ))
}

output "rotation_security_group_id" {
  description = "Security group of the rotation function, a client of the database; null without rotation"
  value       = one(aws_security_group.rotation[*].id)
}
