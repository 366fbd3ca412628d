output "arn" {
  description = "ARN of the copied backups, from which a database is restored in this region"
  value       = aws_db_instance_automated_backups_replication.this.id
}
