data "aws_region" "current" {}

resource "aws_db_instance_automated_backups_replication" "this" {
  source_db_instance_arn = var.source_arn
  kms_key_id             = var.key_arn
  retention_period       = var.retention_days

  lifecycle {
    precondition {
      condition     = split(":", var.source_arn)[3] != data.aws_region.current.name
      error_message = "source_arn must lie in another region than the provider (${data.aws_region.current.name}); give this module the provider of the other region."
    }

    precondition {
      condition     = split(":", var.key_arn)[3] == data.aws_region.current.name
      error_message = "key_arn must lie in the region of the provider (${data.aws_region.current.name}); make a key there."
    }
  }
}
