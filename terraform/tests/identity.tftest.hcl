mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  # Policies that can be told apart, so that it shows which role has which.
  override_data {
    target = data.aws_iam_policy_document.controller_of_secrets
    values = { json = "{\"Id\":\"controller-of-secrets\"}" }
  }
  override_data {
    target = data.aws_iam_policy_document.account_of_service
    values = { json = "{\"Id\":\"account-of-service\"}" }
  }
  override_data {
    target = data.aws_iam_policy_document.secrets_reader
    values = { json = "{\"Id\":\"secrets-reader\"}" }
  }
  override_data {
    target = data.aws_iam_policy_document.external_secrets
    values = { json = "{\"Id\":\"external-secrets\"}" }
  }
  override_data {
    target = data.aws_iam_policy_document.autoscaler
    values = { json = "{\"Id\":\"autoscaler\"}" }
  }
  override_data {
    target = data.aws_iam_policy_document.pull
    values = { json = "{\"Id\":\"pull\"}" }
  }
  override_data {
    target = data.aws_iam_policy_document.team
    values = { json = "{\"Id\":\"team\"}" }
  }
  override_resource {
    target          = aws_iam_role.controller["external-secrets"]
    values          = { arn = "arn:aws:iam::111122223333:role/careway-dev-external-secrets" }
    override_during = plan
  }
}

variables {
  name              = "careway-dev"
  cluster_name      = "careway-dev"
  cluster_arn       = "arn:aws:eks:eu-central-1:111122223333:cluster/careway-dev"
  oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/MADEUP"
  oidc_issuer_url   = "https://oidc.eks.eu-central-1.amazonaws.com/id/MADEUP"
  vpc_id            = "vpc-0123456789abcdef0"
  secrets_key_arn   = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  database_key_arn  = "arn:aws:kms:eu-central-1:111122223333:key/66666666-2222-3333-4444-555555555555"
  registry_arns = [
    "arn:aws:ecr:eu-central-1:111122223333:repository/careway",
    "arn:aws:ecr:eu-central-1:111122223333:repository/charts/careway",
  ]
  services = {
    genomics = {
      namespace         = "analyses"
      secret_path_arn   = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
      master_secret_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-genomics-AbCdEf"
    }
    clinical = {
      namespace         = "consultations"
      secret_path_arn   = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/clinical/*"
      secrets_via       = "irsa"
      master_secret_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-clinical-AbCdEf"
    }
  }
  team_principals = {
    genomics = ["arn:aws:iam::111122223333:role/genomics-people"]
    clinical = ["arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_clinical_0123456789abcdef"]
  }
}

run "roles_of_a_small_environment" {
  command = plan
  module {
    source = "./modules/identity"
  }

  assert {
    condition = toset(keys(output.roles)) == toset([
      "external-secrets", "load-balancer-controller", "autoscaler", "chart-reader",
      "genomics-secrets-reader", "clinical-secrets-reader", "genomics-team", "clinical-team",
    ])
    error_message = "Roles beyond these have to be asked for."
  }

  assert {
    condition     = toset(keys(output.reader_role_arns)) == toset(["genomics", "clinical"]) && toset(keys(output.team_role_arns)) == toset(["genomics", "clinical"]) && length(output.rotation_role_arns) == 0
    error_message = "The outputs by service must name each service."
  }

  assert {
    condition     = alltrue([for key, role in merge(aws_iam_role.controller, aws_iam_role.this) : role.name == "careway-dev-${key}" && role.permissions_boundary == null && role.max_session_duration == 3600])
    error_message = "A role must be named after the environment, and its sessions must last an hour."
  }

  assert {
    condition = (
      toset(keys(aws_iam_role_policies_exclusive.this)) == toset(keys(aws_iam_role.this))
      && toset(keys(aws_iam_role_policies_exclusive.controller)) == toset(keys(aws_iam_role.controller))
      && alltrue([for key, each in merge(aws_iam_role_policies_exclusive.this, aws_iam_role_policies_exclusive.controller) : each.policy_names == toset([key]) && each.role_name == "careway-dev-${key}"])
    )
    error_message = "Each role must own its one policy exclusively."
  }

  assert {
    condition = (
      toset(keys(aws_iam_role_policy_attachments_exclusive.this)) == toset(keys(aws_iam_role.this))
      && toset(keys(aws_iam_role_policy_attachments_exclusive.controller)) == toset(keys(aws_iam_role.controller))
      && alltrue([for each in merge(aws_iam_role_policy_attachments_exclusive.this, aws_iam_role_policy_attachments_exclusive.controller) : length(each.policy_arns) == 0])
    )
    error_message = "No role may have a policy attached."
  }

  # Which role has which policy.
  assert {
    condition = (
      jsondecode(aws_iam_role_policy.this["genomics-secrets-reader"].policy).Id == "secrets-reader"
      && jsondecode(aws_iam_role_policy.this["genomics-team"].policy).Id == "team"
      && jsondecode(aws_iam_role_policy.this["chart-reader"].policy).Id == "pull"
      && jsondecode(aws_iam_role_policy.controller["external-secrets"].policy).Id == "external-secrets"
      && jsondecode(aws_iam_role_policy.controller["autoscaler"].policy).Id == "autoscaler"
    )
    error_message = "A role must have the policy of its own."
  }

  # The controllers' roles are those of pods of one service account.
  assert {
    condition = alltrue([for key, each in data.aws_iam_policy_document.controller_trust : (
      length(each.statement) == 1
      && each.statement[0].actions == toset(["sts:AssumeRole", "sts:TagSession"])
      && one(each.statement[0].principals).type == "Service"
      && one(each.statement[0].principals).identifiers == toset(["pods.eks.amazonaws.com"])
    )])
    error_message = "Only EKS Pod Identity may take a controller's role."
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.controller_trust["external-secrets"].statement[0].condition : each.variable => "${each.test} ${join(",", each.values)}" } == {
      "aws:SourceAccount"                         = "StringEquals 111122223333"
      "aws:SourceArn"                             = "ArnEquals arn:aws:eks:eu-central-1:111122223333:cluster/careway-dev"
      "aws:RequestTag/kubernetes-namespace"       = "StringEquals external-secrets"
      "aws:RequestTag/kubernetes-service-account" = "StringEquals external-secrets"
    }
    error_message = "A controller's role must be bound to account, cluster, namespace and service account."
  }

  assert {
    condition = { for key, each in aws_eks_pod_identity_association.controller : key => "${each.cluster_name} ${each.namespace}/${each.service_account}" } == {
      external-secrets         = "careway-dev external-secrets/external-secrets"
      load-balancer-controller = "careway-dev kube-system/aws-load-balancer-controller"
      autoscaler               = "careway-dev kube-system/cluster-autoscaler"
    }
    error_message = "Each controller must have its association with its service account."
  }

  assert {
    condition     = aws_eks_pod_identity_association.controller["external-secrets"].role_arn == "arn:aws:iam::111122223333:role/careway-dev-external-secrets"
    error_message = "An association must give the controller its own role."
  }
}

run "secrets_are_read_by_their_own_service_alone" {
  command = plan
  module {
    source = "./modules/identity"
  }

  # The controller takes the roles of those that it reads for; clinical's is read by IRSA.
  assert {
    condition = (
      length(data.aws_iam_policy_document.external_secrets.statement) == 1
      && data.aws_iam_policy_document.external_secrets.statement[0].actions == toset(["sts:AssumeRole", "sts:TagSession"])
      && data.aws_iam_policy_document.external_secrets.statement[0].resources == toset([
        "arn:aws:iam::111122223333:role/careway-dev-chart-reader",
        "arn:aws:iam::111122223333:role/careway-dev-genomics-secrets-reader",
      ])
    )
    error_message = "The controller may take the readers' roles that are its to take, and do nothing else."
  }

  assert {
    condition = (
      jsondecode(aws_iam_role.this["genomics-secrets-reader"].assume_role_policy).Id == "controller-of-secrets"
      && jsondecode(aws_iam_role.this["chart-reader"].assume_role_policy).Id == "controller-of-secrets"
      && jsondecode(aws_iam_role.this["clinical-secrets-reader"].assume_role_policy).Id == "account-of-service"
    )
    error_message = "A reader must trust either the controller or its own service account."
  }

  assert {
    condition = (
      length(data.aws_iam_policy_document.controller_of_secrets.statement) == 1
      && data.aws_iam_policy_document.controller_of_secrets.statement[0].actions == toset(["sts:AssumeRole", "sts:TagSession"])
      && one(data.aws_iam_policy_document.controller_of_secrets.statement[0].principals).type == "AWS"
      && one(data.aws_iam_policy_document.controller_of_secrets.statement[0].principals).identifiers == toset(["arn:aws:iam::111122223333:role/careway-dev-external-secrets"])
    )
    error_message = "A reader must trust the controller's role alone."
  }

  assert {
    condition = (
      toset(keys(data.aws_iam_policy_document.account_of_service)) == toset(["clinical"])
      && data.aws_iam_policy_document.account_of_service["clinical"].statement[0].actions == toset(["sts:AssumeRoleWithWebIdentity"])
      && one(data.aws_iam_policy_document.account_of_service["clinical"].statement[0].principals).identifiers == toset([var.oidc_provider_arn])
      && { for each in data.aws_iam_policy_document.account_of_service["clinical"].statement[0].condition : each.variable => "${each.test} ${join(",", each.values)}" } == {
        "oidc.eks.eu-central-1.amazonaws.com/id/MADEUP:sub" = "StringEquals system:serviceaccount:consultations:clinical-secrets"
        "oidc.eks.eu-central-1.amazonaws.com/id/MADEUP:aud" = "StringEquals sts.amazonaws.com"
      }
    )
    error_message = "By IRSA, a reader must trust the service account that the chart makes for it, in its namespace."
  }

  assert {
    condition = alltrue([for service, each in data.aws_iam_policy_document.secrets_reader : (
      [for statement in each.statement : statement.sid] == ["ReadOwnPath", "DecryptOwnPath"]
      && each.statement[0].actions == toset(["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"])
      && each.statement[0].resources == toset(["arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/${service}/*"])
      && each.statement[1].actions == toset(["kms:Decrypt"])
      && each.statement[1].resources == toset([var.secrets_key_arn])
      && { for it in each.statement[1].condition : it.variable => "${it.test} ${join(",", it.values)}" } == {
        "kms:ViaService"                  = "StringEquals secretsmanager.eu-central-1.amazonaws.com"
        "kms:EncryptionContext:SecretARN" = "StringLike arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/${service}/*"
      }
    )])
    error_message = "A reader must read its service's path, and open with the key what lies there."
  }

  # As IAM matches: a star stands for anything, slashes included.
  assert {
    condition = alltrue(flatten([for service, other in { genomics = "clinical", clinical = "genomics" } : [
      for statement in data.aws_iam_policy_document.secrets_reader[service].statement : [
        for pattern in concat(
          [for resource in statement.resources : resource if strcontains(resource, ":secretsmanager:")],
          flatten([for it in statement.condition : it.values if it.variable == "kms:EncryptionContext:SecretARN"]),
          ) : (
          can(regex("^${replace(pattern, "*", ".*")}$", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/${service}/database-AbCdEf"))
          && !can(regex("^${replace(pattern, "*", ".*")}$", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/${other}/database-AbCdEf"))
          && !can(regex("^${replace(pattern, "*", ".*")}$", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/${other}/service-AbCdEf"))
          && !can(regex("^${replace(pattern, "*", ".*")}$", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/${service}-other/service-AbCdEf"))
          && !can(regex("^${replace(pattern, "*", ".*")}$", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-${service}-AbCdEf"))
        )
      ]
    ]]))
    error_message = "No service's patterns may cover a secret of the other, of one whose name begins alike, or of a master."
  }
}

run "an_account_of_another_name_reads" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    services = {
      clinical = {
        namespace               = "consultations"
        secret_path_arn         = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/clinical/*"
        secrets_via             = "irsa"
        secrets_service_account = "consultations-secrets"
      }
    }
    team_principals          = { clinical = ["arn:aws:iam::111122223333:role/people", "arn:aws:iam::444455556666:role/people"] }
    team_account_ids         = ["444455556666"]
    team_mfa                 = true
    team_session_hours       = 8
    permissions_boundary_arn = "arn:aws:iam::111122223333:policy/boundary"
    service_accounts         = { external_secrets = { namespace = "secrets", name = "operator" } }
  }

  assert {
    condition     = contains(flatten([for each in data.aws_iam_policy_document.account_of_service["clinical"].statement[0].condition : each.values]), "system:serviceaccount:consultations:consultations-secrets")
    error_message = "A release of another name has a service account of another name."
  }

  assert {
    condition     = data.aws_iam_policy_document.external_secrets.statement[0].resources == toset(["arn:aws:iam::111122223333:role/careway-dev-chart-reader"])
    error_message = "The controller may take no role that is read by IRSA."
  }

  assert {
    condition     = aws_eks_pod_identity_association.controller["external-secrets"].namespace == "secrets" && contains(flatten([for each in data.aws_iam_policy_document.controller_trust["external-secrets"].statement[0].condition : each.values]), "operator")
    error_message = "Trust and association must follow the service account that is given."
  }

  assert {
    condition     = alltrue([for role in concat(values(aws_iam_role.controller), values(aws_iam_role.this)) : role.permissions_boundary == "arn:aws:iam::111122223333:policy/boundary"])
    error_message = "Every role must have the boundary."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.team_trust["clinical"].statement[0].actions == toset(["sts:AssumeRole"])
      && one(data.aws_iam_policy_document.team_trust["clinical"].statement[0].principals).identifiers == toset(["arn:aws:iam::111122223333:role/people", "arn:aws:iam::444455556666:role/people"])
      && one(data.aws_iam_policy_document.team_trust["clinical"].statement[0].condition).variable == "aws:MultiFactorAuthPresent"
      && one(data.aws_iam_policy_document.team_trust["clinical"].statement[0].condition).values == tolist(["true"])
      && aws_iam_role.this["clinical-team"].max_session_duration == 28800
    )
    error_message = "A team must be those that are named, with MFA and for the hours that are asked for."
  }

  assert {
    condition     = data.aws_iam_policy_document.team.statement[0].actions == toset(["eks:DescribeCluster"]) && data.aws_iam_policy_document.team.statement[0].resources == toset([var.cluster_arn]) && length(data.aws_iam_policy_document.team.statement) == 1
    error_message = "In AWS a team finds the cluster and nothing else."
  }
}
