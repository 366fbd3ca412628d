locals {
  # Counted are tagged versions alone: "any" would count lists of packages and signatures as versions of their own.
  keep_newest = {
    rulePriority = 2
    description  = "Keep the newest ${var.keep_versions} versions"
    selection = {
      tagStatus      = "tagged"
      tagPatternList = ["*"]
      countType      = "imageCountMoreThan"
      countNumber    = var.keep_versions
    }
    action = { type = "expire" }
  }

  # A referrer has no tag. ECR says that it goes with its subject, not that this rule would spare it until then.
  drop_untagged = {
    rulePriority = 1
    description  = "Drop what has had no tag for ${var.untagged_days} days"
    selection = {
      tagStatus   = "untagged"
      countType   = "sinceImagePushed"
      countUnit   = "days"
      countNumber = var.untagged_days
    }
    action = { type = "expire" }
  }
}

# In the order of priority: ECR gives the rules back so, and another order would be drift for ever.
resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy     = jsonencode({ rules = [for rule in [local.drop_untagged, local.keep_newest] : rule if rule.selection.countNumber > 0] })
}
