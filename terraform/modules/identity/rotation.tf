# For a function of AWS Lambda that rotates by alternating users: it reads the master's password to set the other user's,
# and writes nothing but the secret of its own service's database.
locals {
  rotated = var.rotation ? var.services : {}
}

data "aws_iam_policy_document" "rotation_trust" {
  statement {
    sid     = "FunctionsOfThisAccount"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

data "aws_iam_policy_document" "rotation" {
  for_each = local.rotated

  # Secrets Manager adds six characters to a name; its ARN ends with them.
  statement {
    sid = "RotateOwnDatabase"
    actions = [
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetSecretValue",
      "secretsmanager:PutSecretValue",
      "secretsmanager:UpdateSecretVersionStage",
    ]
    resources = ["${trimsuffix(each.value.secret_path_arn, "*")}database-??????"]
  }

  statement {
    sid       = "ReadTheMaster"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    resources = [each.value.master_secret_arn]
  }

  statement {
    sid       = "UseTheKeys"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = distinct([var.secrets_key_arn, var.database_key_arn])

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:SecretARN"
      values   = ["${trimsuffix(each.value.secret_path_arn, "*")}database-??????", each.value.master_secret_arn]
    }
  }

  # It knows no resources, and gives nothing but chance.
  statement {
    sid       = "MakeUpPasswords"
    actions   = ["secretsmanager:GetRandomPassword"]
    resources = ["*"]
  }

  statement {
    sid       = "WriteOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${var.name}-${each.key}-rotation:*"]
  }

  source_policy_documents = [data.aws_iam_policy_document.rotation_network.json]
}

# AWS Lambda itself attaches the function to the subnets, with the function's role. It looks beforehand whether the role may
# do so on all resources of the account: narrower ones, or a condition on the VPC, and the function is refused.
data "aws_iam_policy_document" "rotation_network" {
  statement {
    sid = "AttachToTheNetwork"
    actions = [
      "ec2:AssignPrivateIpAddresses",
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["arn:${local.partition}:ec2:${local.region}:${local.account}:*/*"]
  }

  # These know no resources.
  statement {
    sid       = "LookAtTheNetwork"
    actions   = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
    resources = ["*"]
  }

  # The function's own code has no business there; only what it calls carries its ARN.
  statement {
    sid    = "NotFromTheCode"
    effect = "Deny"
    actions = [
      "ec2:AssignPrivateIpAddresses",
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"]

    condition {
      test     = "ArnLike"
      variable = "lambda:SourceFunctionArn"
      values   = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:*"]
    }
  }
}
