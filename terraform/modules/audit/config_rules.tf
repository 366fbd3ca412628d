# The promises of this ground, asked of the whole account: what is made by hand beside it is found too.
locals {
  config_rules = {
    cloud-trail-enabled               = { identifier = "CLOUD_TRAIL_ENABLED" }
    cmk-backing-key-rotation-enabled  = { identifier = "CMK_BACKING_KEY_ROTATION_ENABLED" }
    ec2-imdsv2-check                  = { identifier = "EC2_IMDSV2_CHECK" }
    eks-endpoint-no-public-access     = { identifier = "EKS_ENDPOINT_NO_PUBLIC_ACCESS" }
    encrypted-volumes                 = { identifier = "ENCRYPTED_VOLUMES" }
    iam-root-access-key-check         = { identifier = "IAM_ROOT_ACCESS_KEY_CHECK" }
    rds-instance-public-access-check  = { identifier = "RDS_INSTANCE_PUBLIC_ACCESS_CHECK" }
    rds-storage-encrypted             = { identifier = "RDS_STORAGE_ENCRYPTED" }
    restricted-ssh                    = { identifier = "INCOMING_SSH_DISABLED" }
    root-account-mfa-enabled          = { identifier = "ROOT_ACCOUNT_MFA_ENABLED" }
    s3-bucket-public-read-prohibited  = { identifier = "S3_BUCKET_PUBLIC_READ_PROHIBITED" }
    s3-bucket-public-write-prohibited = { identifier = "S3_BUCKET_PUBLIC_WRITE_PROHIBITED" }
    s3-bucket-ssl-requests-only       = { identifier = "S3_BUCKET_SSL_REQUESTS_ONLY" }
    vpc-default-security-group-closed = { identifier = "VPC_DEFAULT_SECURITY_GROUP_CLOSED" }
    vpc-flow-logs-enabled             = { identifier = "VPC_FLOW_LOGS_ENABLED" }
    vpc-sg-open-only-to-authorized-ports = {
      identifier = "VPC_SG_OPEN_ONLY_TO_AUTHORIZED_PORTS"
      parameters = { authorizedTcpPorts = "443" }
    }
  }
}

resource "aws_config_config_rule" "this" {
  for_each = { for rule, what in local.config_rules : rule => what if local.config && !contains(var.config_rules_off, rule) }

  name             = "${var.name}-${each.key}"
  input_parameters = can(each.value.parameters) ? jsonencode(each.value.parameters) : null

  source {
    owner             = "AWS"
    source_identifier = each.value.identifier
  }

  depends_on = [aws_config_configuration_recorder.this]
}
