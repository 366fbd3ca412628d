# What the module migration refuses, one run for each rule; rules of different variables share a run.
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
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

run "names_and_keys_that_aws_refuses" {
  command = plan

  module {
    source = "./modules/migration"
  }

  variables {
    name            = "careway--dev"
    service         = "gen-omics"
    key_arn         = "alias/made-up"
    secrets_key_arn = "alias/made-up"
    instance_class  = "db.t4g.medium"
    allocated_gib   = 1
    subnet_ids      = ["subnet-1"]
  }

  expect_failures = [var.name, var.service, var.key_arn, var.secrets_key_arn, var.instance_class, var.allocated_gib, var.subnet_ids]
}

run "endpoints_in_the_whole_world" {
  command = plan

  module {
    source = "./modules/migration"
  }

  variables {
    endpoint_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.endpoint_cidrs]
}

run "a_wildcard_that_leaves_tables_behind" {
  command = plan

  module {
    source = "./modules/migration"
  }

  variables {
    excluded_tables = ["clinical_%"]
  }

  expect_failures = [var.excluded_tables]
}

run "passwords_in_place_of_secrets" {
  command = plan

  module {
    source = "./modules/migration"
  }

  variables {
    source_database = {
      secret_arn = "made-up"
      database   = "careway_genomics"
      cidr       = "192.0.2.10/32"
      ca_pem     = "-----BEGIN CERTIFICATE-----"
    }
    target_database = {
      secret_arn        = "made-up"
      database          = "careway_genomics"
      security_group_id = "sg-database"
      ca_pem            = "-----BEGIN CERTIFICATE-----"
    }
  }

  expect_failures = [var.source_database, var.target_database]
}

run "the_administrators_secret" {
  command = plan

  module {
    source = "./modules/migration"
  }

  variables {
    target_database = {
      secret_arn        = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-made-up-AbCdEf"
      database          = "careway_genomics"
      security_group_id = "sg-database"
      ca_pem            = "-----BEGIN CERTIFICATE-----"
    }
  }

  expect_failures = [var.target_database]
}

run "a_source_anywhere" {
  command = plan

  module {
    source = "./modules/migration"
  }

  variables {
    source_database = {
      secret_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:made-up/source-AbCdEf"
      database   = "careway_genomics"
      cidr       = "0.0.0.0/0"
      ca_pem     = "-----BEGIN CERTIFICATE-----"
    }
  }

  expect_failures = [var.source_database]
}

run "connections_that_nobody_verifies" {
  command = plan

  module {
    source = "./modules/migration"
  }

  variables {
    source_database = {
      secret_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:made-up/source-AbCdEf"
      database   = "careway_genomics"
      cidr       = "192.0.2.10/32"
      ca_pem     = ""
    }
    target_database = {
      secret_arn        = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:made-up/target-AbCdEf"
      database          = "careway_genomics"
      security_group_id = "sg-database"
      ca_pem            = ""
    }
  }

  expect_failures = [var.source_database, var.target_database]
}
