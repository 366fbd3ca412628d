mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name = "careway-dev"
}

run "one_key_a_purpose" {
  command = plan

  module {
    source = "./modules/keys"
  }

  assert {
    condition     = keys(output.arns) == ["alerts", "audit", "database", "disks", "etcd", "logs", "metrics", "registry", "secrets"]
    error_message = "There is a key for every purpose but state and delivery, which belong to the bootstrap and to a switch."
  }

  assert {
    condition     = output.alias_names["database"] == "alias/careway-dev/database"
    error_message = "A key is found by an alias of the environment and the purpose."
  }

  assert {
    condition = alltrue([
      for key in aws_kms_key.this : key.enable_key_rotation && key.rotation_period_in_days == 365 && key.deletion_window_in_days == 30
    ])
    error_message = "Every key rotates by the year and can be saved for 30 days."
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.key : alltrue([
        for statement in document.statement : !contains(flatten([for who in statement.principals : tolist(who.identifiers)]), "*")
      ])
    ])
    error_message = "No key is open to everyone."
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.key : alltrue([
        for statement in document.statement : alltrue([for action in statement.actions : !strcontains(action, "*")])
      ])
    ])
    error_message = "No key policy has a wildcard action."
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.key : alltrue([
        for statement in document.statement : alltrue([for action in statement.actions : contains([for c in statement.condition : c.variable], "kms:ViaService") || !contains(["kms:Decrypt", "kms:CreateGrant"], action)])
        if anytrue([for who in statement.principals : contains(who.identifiers, "arn:aws:iam::111122223333:root")])
      ])
    ])
    error_message = "The account decrypts and grants only through a service."
  }

  assert {
    condition = alltrue([
      for purpose, services in {
        alerts   = "sns.eu-central-1.amazonaws.com"
        audit    = "s3.eu-central-1.amazonaws.com"
        etcd     = "eks.eu-central-1.amazonaws.com"
        disks    = "ec2.eu-central-1.amazonaws.com"
        registry = "ecr.eu-central-1.amazonaws.com"
        secrets  = "secretsmanager.eu-central-1.amazonaws.com"
      } :
      one([for s in data.aws_iam_policy_document.key[purpose].statement : one([for c in s.condition : join(" ", c.values) if c.variable == "kms:ViaService"]) if s.sid == "ServicesUse"]) == services
    ])
    error_message = "A key is used through the services of its purpose alone."
  }

  assert {
    condition = alltrue([
      for purpose, document in data.aws_iam_policy_document.key :
      try(one(flatten([for s in document.statement : [for c in s.condition : one(c.values) if c.variable == "kms:GrantIsForAWSResource"] if s.sid == "ServicesKeepGrants"])), null) == (purpose == "etcd" ? null : "true")
    ])
    error_message = "A grant goes to an AWS resource, never to a person; EKS alone must not be asked to say so."
  }

  assert {
    condition     = !contains([for s in data.aws_iam_policy_document.key["etcd"].statement : s.sid], "RolesAdminister")
    error_message = "Without administrators nobody but the account is named."
  }
}

run "services_in_their_own_name" {
  command = plan

  module {
    source = "./modules/keys"
  }

  assert {
    condition = one([
      for s in data.aws_iam_policy_document.key["logs"].statement : one([for c in s.condition : "${c.test} ${c.variable} ${one(c.values)}"]) if s.sid == "LogGroupsUse"
    ]) == "ArnLike kms:EncryptionContext:aws:logs:arn arn:aws:logs:eu-central-1:111122223333:log-group:*careway-dev*"
    error_message = "CloudWatch Logs uses the key for this environment's log groups alone."
  }

  assert {
    condition = alltrue([
      for s in data.aws_iam_policy_document.key["audit"].statement :
      one([for c in s.condition : one(c.values) if c.variable == "aws:SourceArn"]) == "arn:aws:cloudtrail:eu-central-1:111122223333:trail/careway-dev"
      if startswith(s.sid, "Trail")
    ])
    error_message = "CloudTrail uses the key for the environment's own trail."
  }

  assert {
    condition = one([
      for s in data.aws_iam_policy_document.key["alerts"].statement : one([for c in s.condition : one(c.values)]) if s.sid == "TopicsTakeAlerts"
    ]) == "arn:aws:sns:eu-central-1:111122223333:careway-dev*"
    error_message = "Alerts are encrypted for this environment's topics alone."
  }

  assert {
    condition = alltrue([
      for s in data.aws_iam_policy_document.key["disks"].statement :
      one(one(s.principals).identifiers) == "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
      if startswith(s.sid, "AutoScaling")
      ]) && one([
      for s in data.aws_iam_policy_document.key["disks"].statement : one([for c in s.condition : one(c.values)]) if s.sid == "AutoScalingKeepsGrants"
    ]) == "true"
    error_message = "Auto Scaling opens the disks of the nodes by its own role, and grants to AWS resources alone."
  }

  assert {
    condition     = alltrue([for purpose in ["database", "etcd", "secrets"] : length(data.aws_iam_policy_document.key[purpose].statement) == 3])
    error_message = "No other key is used by a service in its own name."
  }
}

run "roles_by_name" {
  command = plan

  module {
    source = "./modules/keys"
  }

  variables {
    purposes       = ["state", "etcd"]
    administrators = ["arn:aws:iam::111122223333:role/engineers"]
    users          = { etcd = ["arn:aws:iam::111122223333:role/careway-dev-cluster"] }
  }

  assert {
    condition     = keys(output.arns) == ["etcd", "state"]
    error_message = "Only the purposes that are named have a key."
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.key : one([
        for s in document.statement : one(one(s.principals).identifiers) == "arn:aws:iam::111122223333:role/engineers" && !contains(s.actions, "kms:Decrypt") && contains(s.actions, "kms:PutKeyPolicy")
        if s.sid == "RolesAdminister"
      ])
    ])
    error_message = "Administrators administer every key and decrypt nothing."
  }

  assert {
    condition     = one([for s in data.aws_iam_policy_document.key["etcd"].statement : one(one(s.principals).identifiers) if s.sid == "RolesUse"]) == "arn:aws:iam::111122223333:role/careway-dev-cluster"
    error_message = "A named user uses the key of its purpose."
  }

  assert {
    condition     = !contains([for s in data.aws_iam_policy_document.key["state"].statement : s.sid], "RolesUse")
    error_message = "A named user uses no other key."
  }
}

run "refuses_a_bad_name" {
  command = plan

  module {
    source = "./modules/keys"
  }

  variables {
    name = "Careway_dev"
  }

  expect_failures = [var.name]
}

run "refuses_no_purpose" {
  command = plan

  module {
    source = "./modules/keys"
  }

  variables {
    purposes = []
  }

  expect_failures = [var.purposes]
}

run "refuses_an_unknown_purpose" {
  command = plan

  module {
    source = "./modules/keys"
  }

  variables {
    purposes = ["etcd", "mail"]
  }

  expect_failures = [var.purposes]
}

run "refuses_a_wildcard_administrator" {
  command = plan

  module {
    source = "./modules/keys"
  }

  variables {
    administrators = ["arn:aws:iam::111122223333:role/*"]
  }

  expect_failures = [var.administrators]
}

run "refuses_users_of_a_key_that_is_not_there" {
  command = plan

  module {
    source = "./modules/keys"
  }

  variables {
    purposes = ["etcd"]
    users    = { disks = ["arn:aws:iam::111122223333:role/careway-dev-cluster"] }
  }

  expect_failures = [var.users]
}

run "refuses_everyone_as_user" {
  command = plan

  module {
    source = "./modules/keys"
  }

  variables {
    users = { etcd = ["*"] }
  }

  expect_failures = [var.users]
}
