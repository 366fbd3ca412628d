# What the module secrets promises.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name       = "careway-dev"
  service    = "genomics"
  key_arn    = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  secret_key = "made-up-and-long-enough-made-up-and-long-enough-made-up"
}

run "two_secrets_of_one_service" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  assert {
    condition     = aws_secretsmanager_secret.service.name == "careway-dev/genomics/service" && aws_secretsmanager_secret.database.name == "careway-dev/genomics/database"
    error_message = "The secrets are not below NAME/SERVICE."
  }

  assert {
    condition     = alltrue([for secret in [aws_secretsmanager_secret.service, aws_secretsmanager_secret.database] : secret.kms_key_id == var.key_arn && secret.recovery_window_in_days == 30])
    error_message = "A secret is not encrypted by our key, or cannot be brought back for 30 days."
  }

  assert {
    condition     = aws_secretsmanager_secret_version.service.secret_string_wo_version == 1
    error_message = "The version of the write-only value is not secret_key_version."
  }

  assert {
    condition     = aws_secretsmanager_secret_version.service.secret_string == null && aws_secretsmanager_secret_version.service.secret_string_wo == null
    error_message = "A value of the secret is in the plan."
  }

  assert {
    condition     = output.path_arn_pattern == "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
    error_message = "The pattern does not end the service's name with a slash."
  }

  assert {
    condition     = output.database_users == ["careway_genomics_app", "careway_genomics_app_clone"] && output.database_first_value == null
    error_message = "The users are not the pair that AWS's function knows, or there is a first value without a database."
  }

  assert {
    condition     = length(aws_secretsmanager_secret_policy.this) == 0 && length(aws_secretsmanager_secret_rotation.database) == 0 && output.rotation_security_group_id == null
    error_message = "There is a policy without a reader, or rotation without its switch."
  }
}

run "another_key_is_written_when_its_version_rises" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    secret_key_version = 2
    path               = "hospital/genomics"
    recovery_days      = 7
  }

  assert {
    condition     = aws_secretsmanager_secret_version.service.secret_string_wo_version == 2
    error_message = "secret_key_version does not reach the secret."
  }

  assert {
    condition     = output.service_secret_name == "hospital/genomics/service" && output.database_secret_name == "hospital/genomics/database" && endswith(output.path_arn_pattern, ":secret:hospital/genomics/*")
    error_message = "The path is not taken."
  }

  assert {
    condition     = aws_secretsmanager_secret.service.recovery_window_in_days == 7
    error_message = "recovery_days does not reach the secret."
  }
}

run "nobody_reads_but_who_is_listed" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    reader_role_arns  = ["arn:aws:iam::111122223333:role/careway-dev-genomics-secrets-reader"]
    rotator_role_arns = ["arn:aws:iam::111122223333:role/careway-dev-genomics-rotation"]
    manager_arns      = ["arn:aws:iam::111122223333:role/applies"]
  }

  assert {
    condition     = toset(keys(aws_secretsmanager_secret_policy.this)) == toset(["service", "database"]) && alltrue([for policy in aws_secretsmanager_secret_policy.this : policy.block_public_policy])
    error_message = "Not both secrets have a policy that blocks public ones."
  }

  assert {
    condition     = alltrue([for document in data.aws_iam_policy_document.access : alltrue([for statement in document.statement : statement.effect == "Deny" && one(statement.principals).identifiers == toset(["*"]) && one(statement.condition).test == "ArnNotEquals" && one(statement.condition).variable == "aws:PrincipalArn"])])
    error_message = "A statement allows something, or does not hold for everybody."
  }

  assert {
    condition     = toset(one(data.aws_iam_policy_document.access["service"].statement[0].condition).values) == toset(concat(var.reader_role_arns, var.manager_arns))
    error_message = "The service's secret is read by others than its readers and who runs Terraform."
  }

  assert {
    condition     = toset(one(data.aws_iam_policy_document.access["service"].statement[1].condition).values) == toset(var.manager_arns)
    error_message = "The service's secret is written by others than who runs Terraform."
  }

  assert {
    condition     = toset(one(data.aws_iam_policy_document.access["database"].statement[0].condition).values) == toset(concat(var.reader_role_arns, var.rotator_role_arns, var.manager_arns))
    error_message = "The database's secret is read by others than its readers, its rotators and who runs Terraform."
  }

  assert {
    condition     = toset(one(data.aws_iam_policy_document.access["database"].statement[1].condition).values) == toset(concat(var.rotator_role_arns, var.manager_arns))
    error_message = "A reader may write the database's secret, or a rotator may not."
  }

  assert {
    condition     = data.aws_iam_policy_document.access["service"].statement[0].actions == toset(["secretsmanager:GetSecretValue"]) && contains(data.aws_iam_policy_document.access["service"].statement[1].actions, "secretsmanager:PutSecretValue")
    error_message = "The two statements are not about reading and writing."
  }
}
