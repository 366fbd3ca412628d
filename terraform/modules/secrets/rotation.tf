locals {
  function = "${var.name}-${var.service}-rotation"
  # AWS publishes the function once a partition, from an account of its own.
  publishers = {
    aws        = "arn:aws:serverlessrepo:us-east-1:297356227824"
    aws-cn     = "arn:aws-cn:serverlessrepo:cn-north-1:193023089310"
    aws-us-gov = "arn:aws-us-gov:serverlessrepo:us-gov-west-1:023102451235"
  }
}

# Made before the function, which would make one without our key and for ever.
resource "aws_cloudwatch_log_group" "rotation" {
  count = var.rotation ? 1 : 0

  name              = "/aws/lambda/${local.function}"
  kms_key_id        = var.logs_key_arn
  retention_in_days = var.log_retention_days
}

resource "aws_serverlessapplicationrepository_cloudformation_stack" "rotation" {
  count = var.rotation ? 1 : 0

  name             = local.function
  application_id   = "${local.publishers[data.aws_partition.current.partition]}:applications/SecretsManagerRDSPostgreSQLRotationMultiUser"
  semantic_version = var.rotation_function_version
  capabilities     = ["CAPABILITY_IAM", "CAPABILITY_RESOURCE_POLICY"]

  parameters = {
    functionName          = local.function
    endpoint              = "https://secretsmanager.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}"
    kmsKeyArn             = var.key_arn
    masterSecretArn       = var.master_secret.arn
    masterSecretKmsKeyArn = var.master_secret.key_arn
    vpcSubnetIds          = join(",", var.rotation_network.subnet_ids)
    vpcSecurityGroupIds   = aws_security_group.rotation[0].id
  }

  depends_on = [aws_cloudwatch_log_group.rotation]
}

# The stack names the role by itself and does not tell; the policy of the secret has to know it.
data "aws_lambda_function" "rotation" {
  count = var.rotation ? 1 : 0

  function_name = aws_serverlessapplicationrepository_cloudformation_stack.rotation[0].outputs["RotationLambdaARN"]
}

resource "aws_secretsmanager_secret_rotation" "database" {
  #checkov:skip=CKV_AWS_304:the days are a variable (rotation_days), whose default is 30
  count = var.rotation ? 1 : 0

  secret_id           = aws_secretsmanager_secret.database.id
  rotation_lambda_arn = data.aws_lambda_function.rotation[0].arn
  # An apply changes no password; the schedule does.
  rotate_immediately = false

  rotation_rules {
    automatically_after_days = var.rotation_days
  }

  depends_on = [aws_secretsmanager_secret_policy.this]
}
