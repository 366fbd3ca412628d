mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name    = "careway-dev"
  key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
}

run "as_it_comes" {
  command = plan

  module {
    source = "./modules/registry"
  }

  assert {
    condition     = keys(aws_ecr_repository.this) == ["careway", "charts/careway"]
    error_message = "There is a repository for the image, and one for the chart under the name that helm makes of it."
  }

  assert {
    condition = alltrue([for name, repository in aws_ecr_repository.this :
      repository.image_tag_mutability == "IMMUTABLE" && repository.image_scanning_configuration[0].scan_on_push && repository.name == name
      && coalesce(repository.force_delete, false) == false
    ])
    error_message = "Tags never move, images are scanned on arrival, and a repository with images is not deleted."
  }

  assert {
    condition = alltrue([for repository in aws_ecr_repository.this :
      repository.encryption_configuration[0].encryption_type == "KMS" && repository.encryption_configuration[0].kms_key == var.key_arn
    ])
    error_message = "Layers are encrypted by our key."
  }

  # One rule alone: whatever has no tag, such as a list of packages, stays as long as its image.
  assert {
    condition = alltrue([for policy in aws_ecr_lifecycle_policy.this : [for rule in jsondecode(policy.policy).rules : rule.selection] == [
      { tagStatus = "tagged", tagPatternList = ["*"], countType = "imageCountMoreThan", countNumber = 100 }
    ]]) && keys(aws_ecr_lifecycle_policy.this) == keys(aws_ecr_repository.this)
    error_message = "Each repository keeps its newest 100 versions, and what hangs on them."
  }

  assert {
    condition     = length(aws_ecr_repository_policy.this) == 0
    error_message = "Nobody from elsewhere pulls or pushes unasked."
  }

  assert {
    condition     = output.host == "111122223333.dkr.ecr.eu-central-1.amazonaws.com" && output.urls["charts/careway"] == "111122223333.dkr.ecr.eu-central-1.amazonaws.com/charts/careway"
    error_message = "The host is the one to log in to, and an address has no tag."
  }

  assert {
    condition     = keys(output.arns) == ["careway", "charts/careway"]
    error_message = "Every repository has its ARN handed on."
  }
}

run "who_pulls_and_who_pushes" {
  command = plan

  module {
    source = "./modules/registry"
  }

  variables {
    pull_principals = ["arn:aws:iam::444455556666:root"]
    push_principals = ["arn:aws:iam::777788889999:role/publish"]
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.this.statement : each.sid => flatten([for who in each.principals : tolist(who.identifiers)]) } == {
      Pull = ["arn:aws:iam::444455556666:root"], Push = ["arn:aws:iam::777788889999:role/publish"]
    }
    error_message = "A repository is open to who is listed."
  }

  assert {
    condition = { for each in data.aws_iam_policy_document.this.statement : each.sid => each.actions } == {
      Pull = toset(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"])
      Push = toset([
        "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage",
      ])
    }
    error_message = "Who pulls, pulls alone, and nobody deletes."
  }

  assert {
    condition     = keys(aws_ecr_repository_policy.this) == ["careway", "charts/careway"]
    error_message = "The policy holds for the image and the chart."
  }
}

run "switches_in_another_partition" {
  command = plan

  module {
    source = "./modules/registry"
  }

  variables {
    repositories    = ["careway"]
    pull_principals = ["arn:aws:iam::444455556666:role/careway-production-node"]
    keep_versions   = 500
    untagged_days   = 14
    scan_on_push    = false
  }

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn", dns_suffix = "amazonaws.com.cn", reverse_dns_prefix = "cn.com.amazonaws" }
  }

  assert {
    condition     = output.host == "111122223333.dkr.ecr.eu-central-1.amazonaws.com.cn"
    error_message = "The host ends as those of the partition do."
  }

  assert {
    condition     = [for each in data.aws_iam_policy_document.this.statement : each.sid] == ["Pull"] && keys(aws_ecr_repository_policy.this) == ["careway"]
    error_message = "A list that is empty makes no statement, and one list is enough for a policy."
  }

  assert {
    condition = [for rule in jsondecode(aws_ecr_lifecycle_policy.this["careway"].policy).rules : [rule.rulePriority, rule.selection.tagStatus, rule.selection.countNumber]] == [
      [1, "untagged", 14], [2, "tagged", 500]
    ]
    error_message = "What has no tag goes after the days that were asked for, and the rules are in the order of priority."
  }

  assert {
    condition     = !aws_ecr_repository.this["careway"].image_scanning_configuration[0].scan_on_push
    error_message = "Scans can be left to Inspector."
  }
}
