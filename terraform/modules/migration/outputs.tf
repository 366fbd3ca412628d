output "replication_instance_arn" {
  description = "ARN of the replication instance"
  value       = aws_dms_replication_instance.this.replication_instance_arn
}

output "task_arn" {
  description = "ARN of the task, for `aws dms start-replication-task`"
  value       = aws_dms_replication_task.this.replication_task_arn
}

output "security_group_id" {
  description = "Security group of the replication instance, a client of the target"
  value       = aws_security_group.this.id
}

output "secrets_role_arn" {
  description = "Role that reads both secrets, to be listed where a secret's policy lists its readers"
  value       = aws_iam_role.secrets.arn
}
