# What the module migration promises.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  mock_resource "aws_security_group" {
    defaults = {
      id = "sg-migration"
    }
  }

  mock_resource "aws_dms_certificate" {
    defaults = {
      certificate_arn = "arn:aws:dms:eu-central-1:111122223333:cert:MADEUP"
    }
  }

  mock_resource "aws_dms_endpoint" {
    defaults = {
      endpoint_arn = "arn:aws:dms:eu-central-1:111122223333:endpoint:MADEUP"
    }
  }

  mock_resource "aws_dms_replication_instance" {
    defaults = {
      replication_instance_arn = "arn:aws:dms:eu-central-1:111122223333:rep:MADEUP"
    }
  }
}

variables {
  name            = "careway-dev"
  service         = "genomics"
  vpc_id          = "vpc-1"
  subnet_ids      = ["subnet-1", "subnet-2"]
  key_arn         = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  secrets_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/55555555-2222-3333-4444-555555555555"
  endpoint_cidrs  = ["10.0.16.0/20"]
  source_database = {
    secret_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:made-up/source-AbCdEf"
    database   = "careway_genomics"
    cidr       = "192.0.2.10/32"
    port       = 5433
    ca_pem     = "-----BEGIN CERTIFICATE-----\nmade up\n-----END CERTIFICATE-----"
  }
  target_database = {
    secret_arn        = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:made-up/target-AbCdEf"
    database          = "careway_genomics"
    security_group_id = "sg-database"
    ca_pem            = "-----BEGIN CERTIFICATE-----\nmade up, too\n-----END CERTIFICATE-----"
  }
}

run "a_private_instance_between_two_verified_endpoints" {
  command = plan

  module {
    source = "./modules/migration"
  }

  assert {
    condition     = !aws_dms_replication_instance.this.publicly_accessible && aws_dms_replication_instance.this.kms_key_arn == var.key_arn && aws_dms_replication_instance.this.vpc_security_group_ids == toset(["sg-migration"]) && !aws_dms_replication_instance.this.multi_az
    error_message = "The replication instance is public, not encrypted by our key, or has another security group."
  }

  assert {
    condition     = aws_dms_replication_subnet_group.this.subnet_ids == toset(var.subnet_ids)
    error_message = "The replication instance is elsewhere."
  }

  assert {
    condition     = alltrue([for endpoint in [aws_dms_endpoint.source, aws_dms_endpoint.target] : endpoint.ssl_mode == "verify-full" && endpoint.certificate_arn == "arn:aws:dms:eu-central-1:111122223333:cert:MADEUP" && endpoint.kms_key_arn == var.key_arn && endpoint.engine_name == "postgres"])
    error_message = "A connection is not verified, or an endpoint not encrypted by our key."
  }

  assert {
    condition     = alltrue([for endpoint in [aws_dms_endpoint.source, aws_dms_endpoint.target] : endpoint.password == null && endpoint.username == null && endpoint.secrets_manager_access_role_arn == aws_iam_role.secrets.arn])
    error_message = "A user stands in the configuration, or is read by another role."
  }

  assert {
    condition     = aws_dms_endpoint.source.secrets_manager_arn == var.source_database.secret_arn && aws_dms_endpoint.target.secrets_manager_arn == var.target_database.secret_arn && aws_dms_endpoint.source.endpoint_type == "source" && aws_dms_endpoint.target.endpoint_type == "target"
    error_message = "The endpoints are the wrong way round."
  }

  assert {
    condition     = aws_dms_certificate.this["source"].certificate_pem == var.source_database.ca_pem && aws_dms_certificate.this["target"].certificate_pem == var.target_database.ca_pem
    error_message = "An endpoint trusts another authority."
  }

  assert {
    condition     = aws_dms_endpoint.target.postgres_settings[0].after_connect_script == "SET session_replication_role = 'replica'" && aws_dms_endpoint.source.postgres_settings[0].heartbeat_enable
    error_message = "Triggers would write history twice, or a quiet source would keep its WAL."
  }
}

run "it_reaches_three_places" {
  command = plan

  module {
    source = "./modules/migration"
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.source.cidr_ipv4 == "192.0.2.10/32" && aws_vpc_security_group_egress_rule.source.from_port == 5433 && aws_vpc_security_group_egress_rule.source.to_port == 5433
    error_message = "It reaches more than the source."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.target.referenced_security_group_id == "sg-database" && aws_vpc_security_group_egress_rule.target.to_port == 5432
    error_message = "It does not reach the target alone."
  }

  assert {
    condition     = [for rule in aws_vpc_security_group_egress_rule.endpoints : "${rule.cidr_ipv4}:${rule.to_port}"] == ["10.0.16.0/20:443"]
    error_message = "It reaches more than the endpoint of Secrets Manager."
  }

  assert {
    condition     = output.security_group_id == "sg-migration"
    error_message = "The target cannot be told who its client is."
  }
}

run "its_role_reads_two_secrets" {
  command = plan

  module {
    source = "./modules/migration"
  }

  assert {
    condition     = one(one(data.aws_iam_policy_document.secrets_trust.statement).principals).identifiers == toset(["dms.eu-central-1.amazonaws.com"]) && one(one(one(data.aws_iam_policy_document.secrets_trust.statement).condition).values) == "111122223333"
    error_message = "Others than DMS in this region for this account assume the role."
  }

  assert {
    condition     = data.aws_iam_policy_document.secrets.statement[0].resources == toset([var.source_database.secret_arn, var.target_database.secret_arn]) && data.aws_iam_policy_document.secrets.statement[0].actions == toset(["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"])
    error_message = "The role reads other secrets, or writes them."
  }

  assert {
    condition     = data.aws_iam_policy_document.secrets.statement[1].resources == toset([var.secrets_key_arn]) && one(data.aws_iam_policy_document.secrets.statement[1].condition).variable == "kms:ViaService" && one(one(data.aws_iam_policy_document.secrets.statement[1].condition).values) == "secretsmanager.eu-central-1.amazonaws.com"
    error_message = "The role decrypts by another key, or past Secrets Manager."
  }

  assert {
    condition     = aws_iam_role_policies_exclusive.secrets.policy_names == toset(["secrets"]) && length(coalesce(aws_iam_role_policy_attachments_exclusive.secrets.policy_arns, [])) == 0
    error_message = "The role has more policies than its one."
  }

  assert {
    condition     = toset([for role in aws_iam_role.account : role.name]) == toset(["dms-vpc-role", "dms-cloudwatch-logs-role"]) && alltrue([for attachment in aws_iam_role_policy_attachment.account : startswith(attachment.policy_arn, "arn:aws:iam::aws:policy/service-role/AmazonDMS")])
    error_message = "The roles that DMS looks for are not there."
  }
}

run "everything_once_then_the_changes" {
  command = plan

  module {
    source = "./modules/migration"
  }

  variables {
    excluded_tables = ["made_up", "django_migrations"]
    account_roles   = false
    multi_az        = true
  }

  assert {
    condition     = aws_dms_replication_task.this.migration_type == "full-load-and-cdc" && !aws_dms_replication_task.this.start_replication_task
    error_message = "It does not copy and follow, or starts by itself."
  }

  assert {
    condition     = [for rule in jsondecode(aws_dms_replication_task.this.table_mappings).rules : "${rule.rule-action} ${rule.object-locator.schema-name}.${rule.object-locator.table-name}"] == ["include public.%", "exclude public.awsdms_%", "exclude public.django_migrations", "exclude public.made_up"]
    error_message = "Other tables move than those of the service."
  }

  assert {
    condition     = length(distinct([for rule in jsondecode(aws_dms_replication_task.this.table_mappings).rules : rule.rule-id])) == 4
    error_message = "Two rules have the same number."
  }

  assert {
    condition     = jsondecode(aws_dms_replication_task.this.replication_task_settings).FullLoadSettings.TargetTablePrepMode == "DO_NOTHING" && jsondecode(aws_dms_replication_task.this.replication_task_settings).TargetMetadata.FullLobMode && jsondecode(aws_dms_replication_task.this.replication_task_settings).ValidationSettings.EnableValidation
    error_message = "DMS makes tables of its own, cuts values short, or compares nothing."
  }

  assert {
    condition     = alltrue([for policy, does in jsondecode(aws_dms_replication_task.this.replication_task_settings).ErrorBehavior : does == "STOP_TASK" if endswith(policy, "Policy")])
    error_message = "The task goes on over a row that failed."
  }

  assert {
    condition     = !jsondecode(aws_dms_replication_task.this.replication_task_settings).Logging.EnableLogging
    error_message = "Rows that fail, which are patients' data, go to a log."
  }

  assert {
    condition     = length(aws_iam_role.account) == 0 && aws_dms_replication_instance.this.multi_az
    error_message = "The switches do not reach the resources."
  }
}
