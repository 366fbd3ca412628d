output "pipeline_arn" {
  description = "ARN of the pipeline; null without one"
  value       = one(aws_codepipeline.this[*].arn)
}

output "build_project_arn" {
  description = "ARN of the build that publishes; null without a pipeline"
  value       = try(aws_codebuild_project.this["publish"].arn, null)
}

output "check_project_arn" {
  description = "ARN of the build that lints and tests; null without a pipeline"
  value       = try(aws_codebuild_project.this["check"].arn, null)
}
