# Rotation, applied to the mocks: the function's role is read after the stack that makes it, which no plan knows.
mock_provider "aws" {
  source = "./tests/mocks"

  mock_resource "aws_security_group" {
    defaults = {
      id = "sg-function"
    }
  }
}

variables {
  name       = "careway-dev"
  service    = "genomics"
  key_arn    = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  secret_key = "made-up-and-long-enough-made-up-and-long-enough-made-up"
}

run "two_users_take_turns" {
  command = apply

  module {
    source = "./modules/secrets"
  }

  override_resource {
    target = aws_serverlessapplicationrepository_cloudformation_stack.rotation[0]
    values = { outputs = { RotationLambdaARN = "arn:aws:lambda:eu-central-1:111122223333:function:careway-dev-genomics-rotation" } }
  }

  override_data {
    target = data.aws_lambda_function.rotation[0]
    values = {
      arn  = "arn:aws:lambda:eu-central-1:111122223333:function:careway-dev-genomics-rotation"
      role = "arn:aws:iam::111122223333:role/rotates"
    }
  }

  variables {
    reader_role_arns = ["arn:aws:iam::111122223333:role/careway-dev-genomics-secrets-reader"]
    manager_arns     = ["arn:aws:iam::111122223333:role/applies"]
    database         = { host = "made-up.eu-central-1.rds.amazonaws.com", port = 5432, database = "careway_genomics" }
    rotation         = true
    logs_key_arn     = "arn:aws:kms:eu-central-1:111122223333:key/66666666-2222-3333-4444-555555555555"
    master_secret = {
      arn     = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-made-up-AbCdEf"
      key_arn = "arn:aws:kms:eu-central-1:111122223333:key/77777777-2222-3333-4444-555555555555"
    }
    rotation_network = {
      vpc_id                     = "vpc-1"
      subnet_ids                 = ["subnet-1", "subnet-2"]
      endpoint_cidrs             = ["10.0.16.0/20", "10.0.32.0/20"]
      database_security_group_id = "sg-database"
    }
  }

  assert {
    condition     = endswith(aws_serverlessapplicationrepository_cloudformation_stack.rotation[0].application_id, ":applications/SecretsManagerRDSPostgreSQLRotationMultiUser") && startswith(aws_serverlessapplicationrepository_cloudformation_stack.rotation[0].application_id, "arn:aws:serverlessrepo:")
    error_message = "The function is not AWS's for two users of PostgreSQL, or of another partition."
  }

  assert {
    condition = aws_serverlessapplicationrepository_cloudformation_stack.rotation[0].parameters == tomap({
      functionName          = "careway-dev-genomics-rotation"
      endpoint              = "https://secretsmanager.eu-central-1.amazonaws.com"
      kmsKeyArn             = var.key_arn
      masterSecretArn       = var.master_secret.arn
      masterSecretKmsKeyArn = var.master_secret.key_arn
      vpcSubnetIds          = "subnet-1,subnet-2"
      vpcSecurityGroupIds   = "sg-function"
    })
    error_message = "The function does not get its secrets, keys and network."
  }

  assert {
    condition     = aws_secretsmanager_secret_rotation.database[0].rotation_rules[0].automatically_after_days == 30 && aws_secretsmanager_secret_rotation.database[0].rotate_immediately == false && endswith(aws_secretsmanager_secret_rotation.database[0].rotation_lambda_arn, ":careway-dev-genomics-rotation")
    error_message = "The rotation does not come every 30 days, or comes with an apply."
  }

  assert {
    condition     = contains(one(data.aws_iam_policy_document.access["database"].statement[1].condition).values, "arn:aws:iam::111122223333:role/rotates") && !contains(one(data.aws_iam_policy_document.access["service"].statement[0].condition).values, "arn:aws:iam::111122223333:role/rotates")
    error_message = "The function's role may not write the database's secret, or may read the service's."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.database[0].referenced_security_group_id == "sg-database" && aws_vpc_security_group_egress_rule.database[0].to_port == 5432 && toset([for rule in aws_vpc_security_group_egress_rule.endpoints : rule.cidr_ipv4]) == toset(var.rotation_network.endpoint_cidrs)
    error_message = "The function reaches something else than the database and the endpoints."
  }

  assert {
    condition     = aws_cloudwatch_log_group.rotation[0].name == "/aws/lambda/careway-dev-genomics-rotation" && aws_cloudwatch_log_group.rotation[0].kms_key_id == var.logs_key_arn && aws_cloudwatch_log_group.rotation[0].retention_in_days == 365
    error_message = "The function's log is not ours, encrypted and kept for a year."
  }

  assert {
    condition = jsondecode(output.database_first_value) == {
      engine    = "postgres"
      host      = "made-up.eu-central-1.rds.amazonaws.com"
      port      = 5432
      dbname    = "careway_genomics"
      username  = "careway_genomics_app"
      ssl       = true
      masterarn = var.master_secret.arn
    }
    error_message = "The first value is not what the function expects, less the password."
  }

  assert {
    condition     = output.rotation_security_group_id == "sg-function" && aws_security_group.rotation[0].vpc_id == "vpc-1"
    error_message = "The database cannot be told who its client is."
  }
}
