# Kept nowhere: another key at each plan. The module secrets writes one when its version rises.
ephemeral "aws_secretsmanager_random_password" "this" {
  password_length     = 64
  exclude_punctuation = true
}
