mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name             = "careway-dev"
  cluster_name     = "careway-dev"
  cluster_arn      = "arn:aws:eks:eu-central-1:111122223333:cluster/careway-dev"
  vpc_id           = "vpc-0123456789abcdef0"
  secrets_key_arn  = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  database_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/66666666-2222-3333-4444-555555555555"
  registry_arns    = ["arn:aws:ecr:eu-central-1:111122223333:repository/careway"]
  services = {
    genomics = {
      namespace         = "analyses"
      secret_path_arn   = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
      master_secret_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-genomics-AbCdEf"
    }
  }
  team_principals       = { genomics = ["arn:aws:iam::111122223333:role/genomics-people"] }
  collector             = { metrics = true, logs = true, traces = true }
  metrics_workspace_arn = "arn:aws:aps:eu-central-1:111122223333:workspace/ws-made-up"
  log_group_arns        = ["arn:aws:logs:eu-central-1:111122223333:log-group:/careway/careway-dev/genomics"]
  rotation              = true
  backup                = true
}

run "controllers_change_what_is_theirs" {
  command = plan
  module {
    source = "./modules/identity"
  }

  # What may be done to anything is looking, and what knows no resources.
  assert {
    condition = alltrue(flatten([
      for document in [
        data.aws_iam_policy_document.external_secrets,
        data.aws_iam_policy_document.load_balancer_controller,
        data.aws_iam_policy_document.load_balancers,
        data.aws_iam_policy_document.load_balancers_security_groups,
        data.aws_iam_policy_document.autoscaler,
        data.aws_iam_policy_document.collector,
        data.aws_iam_policy_document.backup,
        data.aws_iam_policy_document.pull,
        data.aws_iam_policy_document.publish,
        data.aws_iam_policy_document.deploy,
        data.aws_iam_policy_document.team,
        data.aws_iam_policy_document.rotation["genomics"],
        data.aws_iam_policy_document.rotation_network,
        data.aws_iam_policy_document.secrets_reader["genomics"],
        ] : [
        for statement in document.statement : [
          for action in statement.actions : !strcontains(action, "*") && (
            statement.effect == "Deny" || !contains(statement.resources, "*")
            || can(regex("^(ec2|elasticloadbalancing|autoscaling):Describe[A-Za-z]+$", action))
            || contains(["acm:ListCertificates", "ec2:GetInstanceTypesFromInstanceRequirements", "ecr:GetAuthorizationToken", "secretsmanager:GetRandomPassword", "tag:GetResources", "xray:PutTraceSegments"], action)
          )
        ]
      ]
    ]))
    error_message = "No action may have a wildcard, and none that changes something may be allowed on all resources."
  }

  assert {
    condition = alltrue(flatten([
      for document in [data.aws_iam_policy_document.load_balancers, data.aws_iam_policy_document.load_balancers_security_groups] : [
        for statement in document.statement : statement.sid == "CreateGroupsInTheNetwork" || anytrue([
          for it in statement.condition : it.test == "StringEquals" && (
            (contains(["aws:RequestTag/elbv2.k8s.aws/cluster", "aws:ResourceTag/elbv2.k8s.aws/cluster"], it.variable) && it.values == tolist(["careway-dev"]))
            || (it.variable == "aws:ResourceTag/kubernetes.io/cluster/careway-dev" && it.values == tolist(["owned"]))
          )
        ])
      ]
    ]))
    error_message = "What the load balancer controller changes must carry the cluster's tag."
  }

  assert {
    condition     = one([for each in data.aws_iam_policy_document.load_balancers_security_groups.statement : each.resources if each.sid == "CreateGroupsInTheNetwork"]) == toset(["arn:aws:ec2:eu-central-1:111122223333:vpc/vpc-0123456789abcdef0"])
    error_message = "Security groups may be made in the one VPC."
  }

  assert {
    condition = alltrue([
      for each in concat(
        [for it in data.aws_iam_policy_document.load_balancers.statement : it if it.sid == "TagOwn"],
        [for it in data.aws_iam_policy_document.load_balancers_security_groups.statement : it if it.sid == "TagOwnGroups"],
      ) : contains([for it in each.condition : "${it.test} ${it.variable} ${join(",", it.values)}"], "ForAllValues:StringNotEquals aws:TagKeys elbv2.k8s.aws/cluster")
    ])
    error_message = "The controller must not be able to change whose a resource is."
  }

  assert {
    condition = alltrue(flatten([
      for document in [data.aws_iam_policy_document.load_balancers, data.aws_iam_policy_document.load_balancers_security_groups] : [
        for statement in document.statement : [for resource in statement.resources : strcontains(resource, ":eu-central-1:111122223333:")]
      ]
    ]))
    error_message = "The load balancer controller must stay in its account and region."
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.autoscaler.statement : each.sid => each.actions if each.sid != "Look" } == {
      LookAtNodeGroups = toset(["eks:DescribeNodegroup"])
      TurnOwnGroups    = toset(["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"])
    }
    error_message = "The autoscaler may turn sizes and end instances, and start none itself."
  }

  assert {
    condition = { for it in one([for each in data.aws_iam_policy_document.autoscaler.statement : each if each.sid == "TurnOwnGroups"]).condition : it.variable => it.values } == {
      "aws:ResourceTag/k8s.io/cluster-autoscaler/enabled"     = tolist(["true"])
      "aws:ResourceTag/k8s.io/cluster-autoscaler/careway-dev" = tolist(["owned"])
    }
    error_message = "The autoscaler may turn the groups that carry this cluster's tags."
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.collector.statement : each.sid => "${join(",", each.actions)} ${join(",", each.resources)}" } == {
      WriteMetrics = "aps:RemoteWrite arn:aws:aps:eu-central-1:111122223333:workspace/ws-made-up"
      WriteLogs    = "logs:CreateLogStream,logs:PutLogEvents arn:aws:logs:eu-central-1:111122223333:log-group:/careway/careway-dev/genomics:*"
      WriteTraces  = "xray:PutTraceSegments *"
    }
    error_message = "The collector must write to what it is given, and read nothing."
  }

  assert {
    condition     = aws_eks_pod_identity_association.controller["collector"].namespace == "observability" && aws_eks_pod_identity_association.controller["collector"].service_account == "collector"
    error_message = "The collector must have its association."
  }
}

run "rotation_and_backup" {
  command = plan
  module {
    source = "./modules/identity"
  }

  assert {
    condition     = toset(keys(output.rotation_role_arns)) == toset(["genomics"]) && contains(keys(output.roles), "backup")
    error_message = "What is asked for must be there."
  }

  assert {
    condition = (
      one(data.aws_iam_policy_document.rotation_trust.statement[0].principals).identifiers == toset(["lambda.amazonaws.com"])
      && one(data.aws_iam_policy_document.rotation_trust.statement[0].condition).variable == "aws:SourceAccount"
      && one(data.aws_iam_policy_document.rotation_trust.statement[0].condition).values == tolist(["111122223333"])
      && one(data.aws_iam_policy_document.backup_trust.statement[0].principals).identifiers == toset(["backup.amazonaws.com"])
    )
    error_message = "Rotation is taken by functions of this account, and backup by AWS Backup."
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.rotation["genomics"].statement : each.sid => join(",", each.resources) if strcontains(join(",", each.actions), "SecretValue") } == {
      RotateOwnDatabase = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/database-??????"
      ReadTheMaster     = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-genomics-AbCdEf"
    }
    error_message = "A rotation must reach its own database's secret and its master's, and no key that signs."
  }

  assert {
    condition     = [for each in data.aws_iam_policy_document.rotation["genomics"].statement : each.sid if contains(each.actions, "secretsmanager:PutSecretValue")] == ["RotateOwnDatabase"]
    error_message = "A rotation must write its own database's secret alone."
  }

  assert {
    condition = { for it in one([for each in data.aws_iam_policy_document.rotation["genomics"].statement : each if each.sid == "UseTheKeys"]).condition : it.variable => toset(it.values) } == {
      "kms:ViaService" = toset(["secretsmanager.eu-central-1.amazonaws.com"])
      "kms:EncryptionContext:SecretARN" = toset([
        "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/database-??????",
        "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-genomics-AbCdEf",
      ])
    }
    error_message = "A rotation must open with the keys what it may read, and nothing else."
  }

  assert {
    condition     = one([for each in data.aws_iam_policy_document.rotation_network.statement : "${each.effect} ${one(each.condition).variable}" if each.sid == "NotFromTheCode"]) == "Deny lambda:SourceFunctionArn"
    error_message = "The code of a rotation must not touch the network's interfaces."
  }

  assert {
    condition     = toset(flatten([for each in data.aws_iam_policy_document.backup.statement : each.resources if contains(each.actions, "rds:CreateDBSnapshot")])) == toset(["arn:aws:rds:eu-central-1:111122223333:db:careway-dev-*", "arn:aws:rds:eu-central-1:111122223333:snapshot:awsbackup:*"])
    error_message = "Backup must snapshot this environment's databases alone."
  }

  assert {
    condition     = !anytrue(flatten([for each in data.aws_iam_policy_document.backup.statement : [for action in each.actions : strcontains(action, "Restore") || action == "rds:DeleteDBInstance"]]))
    error_message = "Backup must not restore, nor delete a database."
  }

  assert {
    condition = { for it in one([for each in data.aws_iam_policy_document.backup.statement : each if each.sid == "LendTheKeyToSnapshots"]).condition : it.variable => join(",", it.values) } == {
      "kms:GrantIsForAWSResource" = "true"
      "kms:ViaService"            = "rds.eu-central-1.amazonaws.com"
    }
    error_message = "Backup may lend the key to snapshots of RDS alone."
  }
}

run "a_collector_of_traces_alone" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    collector             = { traces = true }
    metrics_workspace_arn = null
    log_group_arns        = []
  }

  assert {
    condition     = [for each in data.aws_iam_policy_document.collector.statement : each.sid] == ["WriteTraces"]
    error_message = "What is switched off must not be written."
  }
}
