locals {
  pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
  push = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]
}

# A login (ecr:GetAuthorizationToken) is nothing of a repository: the other side gives it to its own roles.
# Layers are decrypted by a grant of the repository, so that nobody who pulls needs the key.
data "aws_iam_policy_document" "this" {
  dynamic "statement" {
    for_each = length(var.pull_principals) > 0 ? [var.pull_principals] : []

    content {
      sid     = "Pull"
      actions = local.pull

      principals {
        type        = "AWS"
        identifiers = statement.value
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.push_principals) > 0 ? [var.push_principals] : []

    content {
      sid     = "Push"
      actions = concat(local.pull, local.push)

      principals {
        type        = "AWS"
        identifiers = statement.value
      }
    }
  }
}

resource "aws_ecr_repository_policy" "this" {
  for_each = length(var.pull_principals) + length(var.push_principals) > 0 ? aws_ecr_repository.this : {}

  repository = each.value.name
  policy     = data.aws_iam_policy_document.this.json
}
