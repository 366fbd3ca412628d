mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  mock_data "aws_iam_openid_connect_provider" {
    defaults = {
      arn = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    }
  }
}

variables {
  name         = "careway"
  environments = ["dev", "production"]
  github       = { repository = "example/careway" }
}

run "state" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    github = null
  }

  assert {
    condition     = output.state_bucket_arn == aws_s3_bucket.state.arn && aws_s3_bucket.state.bucket == "careway-state-111122223333" && !aws_s3_bucket.state.force_destroy
    error_message = "The state has a bucket of its own, named after the account, which is never emptied."
  }

  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "A damaged state can be fetched back."
  }

  assert {
    condition = (
      one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms" &&
      one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).kms_master_key_id == output.state_key_arn
    )
    error_message = "The state is encrypted by the key made for it."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls, aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls, aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "The state can never be made public."
  }

  assert {
    condition = {
      for s in data.aws_iam_policy_document.state.statement : s.sid => "${s.effect} ${one(s.condition).variable} ${one(one(s.condition).values)}"
      } == {
      RefusesPlainHttp       = "Deny aws:SecureTransport false"
      RefusesOldTls          = "Deny s3:TlsVersion 1.2"
      RefusesOtherEncryption = "Deny s3:x-amz-server-side-encryption AES256"
    }
    error_message = "The state is sent over TLS 1.2 and above alone, and encrypted by our key alone."
  }

  assert {
    condition = (
      aws_s3_bucket_lifecycle_configuration.state.rule[0].noncurrent_version_expiration[0].noncurrent_days == 90 &&
      aws_s3_bucket_lifecycle_configuration.state.rule[0].expiration[0].expired_object_delete_marker
    )
    error_message = "Old versions expire, and the state itself never does."
  }

  assert {
    condition     = keys(aws_iam_service_linked_role.this) == ["autoscaling.amazonaws.com"]
    error_message = "The role that the key of the disks names is there in an empty account."
  }

  assert {
    condition     = output.plan_role_arns == {} && output.apply_role_arns == {} && output.github_provider_arn == null && output.boundary_arn == null
    error_message = "Without a repository nobody is let in."
  }
}

run "trust" {
  command = plan

  module {
    source = "./bootstrap"
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.trust : alltrue([
        for c in one(document.statement).condition : c.test == "StringEquals" && alltrue([for value in c.values : !strcontains(value, "*")])
      ])
    ])
    error_message = "A subject is compared as it is, never as a pattern."
  }

  assert {
    condition = one([
      for c in one(data.aws_iam_policy_document.trust["production-apply"].statement).condition : one(c.values) if endswith(c.variable, ":sub")
    ]) == "repo:example/careway:environment:production"
    error_message = "Only the environment with reviewers applies."
  }

  assert {
    condition = one([
      for c in one(data.aws_iam_policy_document.trust["production-plan"].statement).condition : join(" ", c.values) if endswith(c.variable, ":sub")
    ]) == "repo:example/careway:environment:production repo:example/careway:environment:production-plan"
    error_message = "The environment without reviewers may plan."
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.trust :
      one([for c in one(document.statement).condition : one(c.values) if endswith(c.variable, ":aud")]) == "sts.amazonaws.com"
    ]) && length(data.aws_iam_policy_document.trust) == 4
    error_message = "A token made for somebody else is refused."
  }

  assert {
    condition     = keys(output.plan_role_arns) == ["dev", "production"] && keys(output.apply_role_arns) == ["dev", "production"]
    error_message = "Each environment has a role to plan and one to apply."
  }

  assert {
    condition = (
      one(aws_iam_openid_connect_provider.github).url == "https://token.actions.githubusercontent.com" &&
      one(aws_iam_openid_connect_provider.github).client_id_list == toset(["sts.amazonaws.com"]) &&
      output.github_provider_arn == one(aws_iam_openid_connect_provider.github).arn
    )
    error_message = "GitHub's identity provider is made, for STS alone."
  }
}

run "provider_of_the_account" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    github_oidc          = false
    service_linked_roles = []
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && output.github_provider_arn == "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    error_message = "A provider that the account has is taken, not made twice."
  }

  assert {
    condition     = length(aws_iam_service_linked_role.this) == 0
    error_message = "A role that the account has is not made twice."
  }
}
