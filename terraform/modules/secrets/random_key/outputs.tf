output "key" {
  description = "Key for the variable secret_key of the module secrets"
  value       = ephemeral.aws_secretsmanager_random_password.this.random_password
  ephemeral   = true
}
