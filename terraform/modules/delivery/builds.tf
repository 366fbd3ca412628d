# Two builds, so that the one which runs the tests, and with them whatever a dependency brings along, can push nothing.
locals {
  builds = var.pipeline == null ? {} : {
    check = {
      description = "make lint and make test"
      commands    = ["make lint", "make test"]
      privileged  = false
    }
    # The login is helm's; make publish gives it to the builder of the image as well.
    publish = {
      description = "make publish, to ${var.registry_host}"
      commands = [
        "aws ecr get-login-password | helm registry login --username AWS --password-stdin \"$REGISTRY\"",
        "make publish REGISTRY=\"$REGISTRY\" BASE=\"$BASE\" POSTGRES=\"$POSTGRES\"",
      ]
      privileged = true
    }
  }

  variables = var.pipeline == null ? {} : {
    REGISTRY = var.registry_host
    BASE     = var.pipeline.base_image
    POSTGRES = var.pipeline.trial_database_image
  }
}

#trivy:ignore:AVD-AWS-0017 it is encrypted with the key of logs; the scanner does not follow the variable
resource "aws_cloudwatch_log_group" "build" {
  for_each = local.builds

  name              = "/aws/codebuild/${var.name}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

resource "aws_codebuild_project" "this" {
  #checkov:skip=CKV_AWS_316:Docker builds the image, and its daemon needs it; the build that runs the tests goes without
  for_each = local.builds

  name           = "${var.name}-${each.key}"
  description    = each.value.description
  service_role   = aws_iam_role.build[each.key].arn
  encryption_key = var.key_arn
  # A suite that becomes slow fails.
  build_timeout  = 30
  queued_timeout = 60

  source {
    type = "CODEPIPELINE"
    buildspec = yamlencode({
      version = "0.2"
      phases  = { build = { commands = each.value.commands } }
    })
  }

  artifacts {
    type = "CODEPIPELINE"
  }

  environment {
    type                        = "LINUX_CONTAINER"
    compute_type                = "BUILD_GENERAL1_MEDIUM"
    image                       = var.pipeline.build_image
    image_pull_credentials_type = local.builder_arn == null ? "CODEBUILD" : "SERVICE_ROLE"
    privileged_mode             = each.value.privileged

    dynamic "environment_variable" {
      for_each = local.variables

      content {
        name  = environment_variable.key
        value = environment_variable.value
      }
    }
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.build[each.key].name
    }
  }
}
