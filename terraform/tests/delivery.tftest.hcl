mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  override_data {
    target = data.aws_iam_policy_document.build["check"]
    values = { json = "{\"Id\":\"check\"}" }
  }
  override_data {
    target = data.aws_iam_policy_document.build["publish"]
    values = { json = "{\"Id\":\"publish\"}" }
  }
  override_data {
    target = data.aws_iam_policy_document.pipeline
    values = { json = "{\"Id\":\"pipeline\"}" }
  }
}

variables {
  name          = "careway-dev"
  registry_host = "111122223333.dkr.ecr.eu-central-1.amazonaws.com"
  registry_arns = [
    "arn:aws:ecr:eu-central-1:111122223333:repository/careway",
    "arn:aws:ecr:eu-central-1:111122223333:repository/charts/careway",
  ]
  key_arn      = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  logs_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/66666666-2222-3333-4444-555555555555"
  pipeline = {
    connection_arn       = "arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555"
    repository           = "careway/careway"
    base_image           = "docker.io/library/python:3.13-slim-trixie@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    trial_database_image = "docker.io/library/postgres:18@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    build_image          = "aws/codebuild/standard:7.0"
    approval_topic_arn   = "arn:aws:sns:eu-central-1:111122223333:careway-dev-alerts"
    approval_key_arn     = "arn:aws:kms:eu-central-1:111122223333:key/77777777-2222-3333-4444-555555555555"
  }
}

run "nothing_without_a_pipeline" {
  command = plan
  module {
    source = "./modules/delivery"
  }
  variables {
    pipeline = null
  }

  assert {
    condition = sum([
      length(aws_s3_bucket.artifacts), length(aws_s3_bucket_ownership_controls.artifacts), length(aws_s3_bucket_public_access_block.artifacts),
      length(aws_s3_bucket_versioning.artifacts), length(aws_s3_bucket_server_side_encryption_configuration.artifacts),
      length(aws_s3_bucket_lifecycle_configuration.artifacts), length(aws_s3_bucket_policy.artifacts),
      length(aws_cloudwatch_log_group.build), length(aws_codebuild_project.this), length(aws_codepipeline.this),
      length(aws_iam_role.pipeline), length(aws_iam_role_policy.pipeline), length(aws_iam_role_policies_exclusive.pipeline),
      length(aws_iam_role_policy_attachments_exclusive.pipeline), length(aws_iam_role.build), length(aws_iam_role_policy.build),
      length(aws_iam_role_policies_exclusive.build), length(aws_iam_role_policy_attachments_exclusive.build),
    ]) == 0
    error_message = "Without a pipeline there must be no resource at all."
  }

  assert {
    condition     = output.pipeline_arn == null && output.build_project_arn == null && output.check_project_arn == null
    error_message = "Without a pipeline the outputs must be null."
  }
}

run "source_check_approve_publish" {
  command = plan
  module {
    source = "./modules/delivery"
  }

  assert {
    condition = [for stage in aws_codepipeline.this[0].stage : "${stage.name} ${stage.action[0].provider}"] == [
      "Source CodeStarSourceConnection", "Check CodeBuild", "Approve Manual", "Publish CodeBuild",
    ]
    error_message = "A commit must be checked and approved before it is published."
  }

  assert {
    condition = (
      aws_codepipeline.this[0].stage[0].action[0].configuration.ConnectionArn == var.pipeline.connection_arn
      && aws_codepipeline.this[0].stage[0].action[0].configuration.FullRepositoryId == "careway/careway"
      && aws_codepipeline.this[0].stage[0].action[0].configuration.BranchName == "main"
      && aws_codepipeline.this[0].stage[0].action[0].configuration.OutputArtifactFormat == "CODEBUILD_CLONE_REF"
      && aws_codepipeline.this[0].stage[1].action[0].configuration.ProjectName == "careway-dev-check"
      && aws_codepipeline.this[0].stage[3].action[0].configuration.ProjectName == "careway-dev-publish"
    )
    error_message = "The pipeline must clone the branch by the connection, and run the build of each stage."
  }

  assert {
    condition     = aws_codepipeline.this[0].stage[2].action[0].timeout_in_minutes == 1440 && aws_codepipeline.this[0].stage[2].action[0].configuration.NotificationArn == var.pipeline.approval_topic_arn
    error_message = "Approval must be asked for by the topic, and be waited for a day."
  }

  assert {
    condition = { for key, project in aws_codebuild_project.this : key => yamldecode(project.source[0].buildspec).phases.build.commands } == {
      check = ["make lint", "make test"]
      publish = [
        "aws ecr get-login-password | helm registry login --username AWS --password-stdin \"$REGISTRY\"",
        "make publish REGISTRY=\"$REGISTRY\" BASE=\"$BASE\" POSTGRES=\"$POSTGRES\"",
      ]
    }
    error_message = "The builds must run the verbs of the house."
  }

  assert {
    condition = alltrue([for project in aws_codebuild_project.this : { for each in project.environment[0].environment_variable : each.name => each.value } == {
      REGISTRY = "111122223333.dkr.ecr.eu-central-1.amazonaws.com"
      BASE     = var.pipeline.base_image
      POSTGRES = var.pipeline.trial_database_image
    }])
    error_message = "A build must know its registry and its images, and no secret."
  }

  assert {
    condition     = !aws_codebuild_project.this["check"].environment[0].privileged_mode && aws_codebuild_project.this["publish"].environment[0].privileged_mode
    error_message = "The build of the tests must go without privileges."
  }

  assert {
    condition     = alltrue([for project in aws_codebuild_project.this : project.build_timeout == 30 && project.environment[0].image_pull_credentials_type == "CODEBUILD" && project.encryption_key == var.key_arn])
    error_message = "Every build must have a time-out, and hand on what is encrypted with the key."
  }

  assert {
    condition     = alltrue([for key, group in aws_cloudwatch_log_group.build : group.kms_key_id == var.logs_key_arn && group.retention_in_days == 365 && group.name == "/aws/codebuild/careway-dev-${key}"])
    error_message = "Logs of builds must be encrypted with the key of logs, and kept."
  }
}

run "roles_and_bucket" {
  command = plan
  module {
    source = "./modules/delivery"
  }
  variables {
    permissions_boundary_arn = "arn:aws:iam::111122223333:policy/boundary"
  }

  assert {
    condition = { for key, each in data.aws_iam_policy_document.build : key => [for statement in each.statement : statement.sid] } == {
      check   = ["WriteOwnLog"]
      publish = ["WriteOwnLog", "LogIn", "Push"]
    }
    error_message = "The build of the tests must be able to push nothing."
  }

  assert {
    condition     = one([for each in data.aws_iam_policy_document.build["publish"].statement : each.resources if each.sid == "Push"]) == toset(var.registry_arns) && !anytrue(flatten([for each in data.aws_iam_policy_document.build["publish"].statement : [for action in each.actions : strcontains(action, "Delete")]]))
    error_message = "The build must push to the repositories that are given, and delete nothing."
  }

  assert {
    condition = (
      jsondecode(aws_iam_role_policy.build["check"].policy).Id == "check"
      && jsondecode(aws_iam_role_policy.build["publish"].policy).Id == "publish"
      && jsondecode(aws_iam_role_policy.pipeline[0].policy).Id == "pipeline"
    )
    error_message = "Each role must have its own policy."
  }

  assert {
    condition = alltrue(flatten([
      for document in concat(values(data.aws_iam_policy_document.build), data.aws_iam_policy_document.pipeline, data.aws_iam_policy_document.artifacts_use) : [
        for statement in document.statement : [
          for action in statement.actions : !strcontains(action, "*") && (!contains(statement.resources, "*") || action == "ecr:GetAuthorizationToken")
        ]
      ]
    ]))
    error_message = "No role may do anything to everything but ask for a token."
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.pipeline[0].statement : each.sid => each.resources } == {
      RunBuilds         = toset(["arn:aws:codebuild:eu-central-1:111122223333:project/careway-dev-check", "arn:aws:codebuild:eu-central-1:111122223333:project/careway-dev-publish"])
      AskForApproval    = toset(["arn:aws:sns:eu-central-1:111122223333:careway-dev-alerts"])
      EncryptWhatItAsks = toset(["arn:aws:kms:eu-central-1:111122223333:key/77777777-2222-3333-4444-555555555555"])
    }
    error_message = "The pipeline must run its two builds and write to the one topic, which is encrypted."
  }

  assert {
    condition = [for each in concat(data.aws_iam_policy_document.pipeline_trust, values(data.aws_iam_policy_document.build_trust)) : {
      for it in each.statement[0].condition : it.variable => "${it.test} ${join(",", it.values)}"
      }] == [for source in ["codepipeline:eu-central-1:111122223333:careway-dev", "codebuild:eu-central-1:111122223333:project/careway-dev-check", "codebuild:eu-central-1:111122223333:project/careway-dev-publish"] : {
      "aws:SourceAccount" = "StringEquals 111122223333"
      "aws:SourceArn"     = "ArnEquals arn:aws:${source}"
    }]
    error_message = "Each role must be for its own pipeline or project."
  }

  assert {
    condition     = alltrue([for role in concat(aws_iam_role.pipeline, values(aws_iam_role.build)) : role.permissions_boundary == "arn:aws:iam::111122223333:policy/boundary"])
    error_message = "Every role must have the boundary."
  }

  assert {
    condition = (
      alltrue([for key, each in aws_iam_role_policies_exclusive.build : each.policy_names == toset([key])])
      && aws_iam_role_policies_exclusive.pipeline[0].policy_names == toset(["delivery"])
      && alltrue([for each in concat(values(aws_iam_role_policy_attachments_exclusive.build), aws_iam_role_policy_attachments_exclusive.pipeline) : length(each.policy_arns) == 0])
    )
    error_message = "Each role must own its policy exclusively."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.artifacts[0].rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.key_arn && one(aws_codepipeline.this[0].artifact_store).encryption_key[0].id == var.key_arn
    error_message = "What the stages hand on must be encrypted with the key."
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.artifacts[0].block_public_acls && aws_s3_bucket_public_access_block.artifacts[0].block_public_policy
      && aws_s3_bucket_public_access_block.artifacts[0].ignore_public_acls && aws_s3_bucket_public_access_block.artifacts[0].restrict_public_buckets
      && aws_s3_bucket_versioning.artifacts[0].versioning_configuration[0].status == "Enabled"
      && aws_s3_bucket_lifecycle_configuration.artifacts[0].rule[0].expiration[0].days == 30
    )
    error_message = "The bucket must be closed, and forget after a month."
  }

  assert {
    condition     = data.aws_iam_policy_document.artifacts[0].statement[0].effect == "Deny" && one(data.aws_iam_policy_document.artifacts[0].statement[0].condition).variable == "aws:SecureTransport"
    error_message = "The bucket must refuse whoever comes without TLS."
  }
}

run "an_image_of_ones_own" {
  command = plan
  module {
    source = "./modules/delivery"
  }
  variables {
    pipeline = {
      connection_arn       = "arn:aws:codestar-connections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555"
      repository           = "careway/careway"
      branch               = "release/2"
      base_image           = "docker.io/library/python:3.13-slim-trixie@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      trial_database_image = "docker.io/library/postgres:18@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      build_image          = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/builders/careway@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    }
  }

  assert {
    condition     = alltrue([for project in aws_codebuild_project.this : project.environment[0].image_pull_credentials_type == "SERVICE_ROLE"])
    error_message = "An image of ECR must be pulled with the build's own role."
  }

  assert {
    condition     = one([for each in data.aws_iam_policy_document.build["check"].statement : each.resources if each.sid == "PullTheBuilder"]) == toset(["arn:aws:ecr:eu-central-1:111122223333:repository/builders/careway"])
    error_message = "A build must be able to pull the image that it runs in, and no other."
  }

  assert {
    condition     = [for each in data.aws_iam_policy_document.pipeline[0].statement : each.sid] == ["RunBuilds"]
    error_message = "Without a topic nobody may be written to."
  }
}
