resource "aws_codepipeline" "this" {
  count = local.pipelines

  name          = var.name
  pipeline_type = "V2"
  # A newer commit takes the place of one that still waits.
  execution_mode = "SUPERSEDED"
  role_arn       = aws_iam_role.pipeline[0].arn

  artifact_store {
    type     = "S3"
    location = aws_s3_bucket.artifacts[0].bucket

    encryption_key {
      type = "KMS"
      id   = var.key_arn
    }
  }

  stage {
    name = "Source"

    action {
      name             = "Commit"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      output_artifacts = ["source"]

      # A clone with its history: make publish publishes a commit, and nothing else.
      configuration = {
        ConnectionArn        = var.pipeline.connection_arn
        FullRepositoryId     = var.pipeline.repository
        BranchName           = var.pipeline.branch
        OutputArtifactFormat = "CODEBUILD_CLONE_REF"
        DetectChanges        = "true"
      }
    }
  }

  stage {
    name = "Check"

    action {
      name            = "LintAndTest"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      input_artifacts = ["source"]
      configuration   = { ProjectName = aws_codebuild_project.this["check"].name }
    }
  }

  stage {
    name = "Approve"

    action {
      name               = "Approve"
      category           = "Approval"
      owner              = "AWS"
      provider           = "Manual"
      version            = "1"
      timeout_in_minutes = 60 * var.pipeline.approval_timeout_hours
      configuration = merge(
        { CustomData = "Publish this commit to ${var.registry_host}" },
        { for key, arn in { NotificationArn = var.pipeline.approval_topic_arn } : key => arn if arn != null },
      )
    }
  }

  stage {
    name = "Publish"

    action {
      name            = "ImageAndChart"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      input_artifacts = ["source"]
      configuration   = { ProjectName = aws_codebuild_project.this["publish"].name }
    }
  }
}
