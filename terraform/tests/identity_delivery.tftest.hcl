mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name            = "careway-dev"
  cluster_name    = "careway-dev"
  cluster_arn     = "arn:aws:eks:eu-central-1:111122223333:cluster/careway-dev"
  vpc_id          = "vpc-0123456789abcdef0"
  secrets_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  registry_arns   = ["arn:aws:ecr:eu-central-1:111122223333:repository/careway"]
  services = {
    genomics = {
      namespace       = "analyses"
      secret_path_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/genomics/*"
    }
  }
  team_principals = { genomics = ["arn:aws:iam::111122223333:role/genomics-people"] }
  hub = {
    account_id      = "444455556666"
    role_names      = ["deployer"]
    external_id     = "0b8f2f4e-made-up"
    organization_id = "o-exampleorgid"
  }
  github = {
    provider_arn        = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    repository          = "careway/careway"
    publish_environment = "registry"
    deploy_environment  = "dev"
  }
}

run "from_a_hub_and_from_github" {
  command = plan
  module {
    source = "./modules/identity"
  }

  assert {
    condition     = contains(keys(output.roles), "publish") && contains(keys(output.roles), "deploy")
    error_message = "Both roles must be there."
  }

  assert {
    condition = (
      [for each in data.aws_iam_policy_document.deploy_trust.statement : each.sid] == ["RolesOfTheHub", "OneEnvironmentOfOneRepository"]
      && one(data.aws_iam_policy_document.deploy_trust.statement[0].principals).identifiers == toset(["arn:aws:iam::444455556666:role/deployer"])
      && { for it in data.aws_iam_policy_document.deploy_trust.statement[0].condition : it.variable => it.values } == {
        "sts:ExternalId"     = tolist(["0b8f2f4e-made-up"])
        "aws:PrincipalOrgID" = tolist(["o-exampleorgid"])
      }
    )
    error_message = "From the hub, the roles that are named may come, and have to show what is asked for."
  }

  assert {
    condition = { for it in data.aws_iam_policy_document.deploy_trust.statement[1].condition : it.variable => "${it.test} ${join(",", it.values)}" } == {
      "token.actions.githubusercontent.com:sub" = "StringEquals repo:careway/careway:environment:dev"
      "token.actions.githubusercontent.com:aud" = "StringEquals sts.amazonaws.com"
    }
    error_message = "Deployment must be pinned to repository and environment."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.publish_trust.statement[0].actions == toset(["sts:AssumeRoleWithWebIdentity"])
      && one(data.aws_iam_policy_document.publish_trust.statement[0].principals).identifiers == toset([var.github.provider_arn])
      && { for it in data.aws_iam_policy_document.publish_trust.statement[0].condition : it.variable => "${it.test} ${join(",", it.values)}" } == {
        "token.actions.githubusercontent.com:sub" = "StringEquals repo:careway/careway:environment:registry"
        "token.actions.githubusercontent.com:aud" = "StringEquals sts.amazonaws.com"
      }
    )
    error_message = "Publishing must be pinned to repository and environment."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.publish.statement[0].actions == toset(["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"])
      && data.aws_iam_policy_document.publish.statement[0].resources == toset(var.registry_arns)
      && length(data.aws_iam_policy_document.publish.source_policy_documents) == 1
    )
    error_message = "Publishing must push to the repositories that are given, and delete nothing."
  }

  assert {
    condition = (
      [for each in data.aws_iam_policy_document.deploy.statement : "${join(",", each.actions)} ${join(",", each.resources)}"] == ["eks:DescribeCluster ${var.cluster_arn}"]
      && one([for each in data.aws_iam_policy_document.pull.statement : each.resources if each.sid == "Pull"]) == toset(var.registry_arns)
      && !anytrue(flatten([for each in data.aws_iam_policy_document.pull.statement : [for action in each.actions : strcontains(action, "Put") || strcontains(action, "Upload") || strcontains(action, "Delete")]]))
    )
    error_message = "Deployment finds the cluster and pulls; it pushes nothing."
  }
}

run "from_github_without_a_hub" {
  command = plan
  module {
    source = "./modules/identity"
  }
  variables {
    hub = null
    github = {
      provider_arn       = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
      repository         = "careway/careway"
      deploy_environment = "dev"
    }
  }

  assert {
    condition     = contains(keys(output.roles), "deploy") && !contains(keys(output.roles), "publish") && [for each in data.aws_iam_policy_document.deploy_trust.statement : each.sid] == ["OneEnvironmentOfOneRepository"]
    error_message = "An environment that is not named must have no role."
  }
}
