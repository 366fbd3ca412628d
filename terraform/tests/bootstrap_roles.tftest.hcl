mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name         = "careway"
  environments = ["dev", "production"]
  github       = { repository = "example/careway" }
}

run "plan" {
  command = plan

  module {
    source = "./bootstrap"
  }

  assert {
    condition     = aws_iam_role.plan["dev"].name == "careway-ci-dev-plan" && alltrue([for role in aws_iam_role.plan : role.permissions_boundary == aws_iam_policy.boundary[0].arn])
    error_message = "The role that plans is named apart from the environment's own roles, and bounded."
  }

  assert {
    condition = aws_iam_role_policy_attachments_exclusive.plan["dev"].policy_arns == toset([
      "arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
    ])
    error_message = "A plan reads settings, by policies that read no contents."
  }

  assert {
    condition = toset(flatten([
      for s in data.aws_iam_policy_document.plan["dev"].statement : s.resources if contains(s.actions, "s3:PutObject")
    ])) == toset(["${aws_s3_bucket.state.arn}/dev/*.tflock"])
    error_message = "A plan writes the lock and nothing else."
  }

  assert {
    condition = toset(flatten([
      for s in data.aws_iam_policy_document.plan["dev"].statement : s.resources if contains(s.actions, "s3:GetObject")
    ])) == toset(["${aws_s3_bucket.state.arn}/dev/*"])
    error_message = "A plan reads its own environment's state."
  }

  assert {
    condition = toset(flatten([
      for s in data.aws_iam_policy_document.plan["dev"].statement : s.resources if contains(s.actions, "secretsmanager:GetSecretValue")
    ])) == toset(["arn:aws:secretsmanager:eu-central-1:111122223333:secret:careway-dev/*"])
    error_message = "A plan refreshes its own environment's secrets alone."
  }

  assert {
    condition = one([
      for s in data.aws_iam_policy_document.plan["dev"].statement : one([for c in s.condition : one(c.values) if c.variable == "kms:ResourceAliases"]) if s.sid == "DecryptsSecrets"
    ]) == "alias/careway-dev/secrets"
    error_message = "A plan decrypts with its own environment's key alone."
  }

  assert {
    condition = alltrue([
      for s in data.aws_iam_policy_document.plan["dev"].statement : alltrue([
        for action in s.actions : can(regex(":(Get|List|Describe|View|Decrypt|GenerateDataKey)", action)) || s.sid == "TakesLock"
      ]) if s.effect != "Deny"
    ])
    error_message = "A plan changes nothing."
  }

  assert {
    condition = alltrue([
      for action in ["rds:DownloadDBLogFilePortion", "logs:GetLogEvents"] :
      contains(one([for s in data.aws_iam_policy_document.plan["dev"].statement : s.actions if s.sid == "RefusesLogs"]), action)
    ])
    error_message = "A plan reads no log."
  }

  assert {
    condition     = aws_iam_role_policies_exclusive.plan["dev"].policy_names == toset(["plans"])
    error_message = "A policy added by hand is drift."
  }
}

run "apply" {
  command = plan

  module {
    source = "./bootstrap"
  }

  assert {
    condition     = alltrue([for role in aws_iam_role.apply : role.permissions_boundary == aws_iam_policy.boundary[0].arn]) && aws_iam_role.apply["production"].name == "careway-ci-production-apply"
    error_message = "The role that applies is bounded."
  }

  assert {
    condition = aws_iam_role_policy_attachments_exclusive.apply["dev"].policy_arns == toset([
      "arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws:iam::aws:policy/IAMReadOnlyAccess",
    ])
    error_message = "Applying is broad in everything but IAM."
  }

  assert {
    condition = alltrue([
      for s in data.aws_iam_policy_document.apply["dev"].statement : alltrue([
        for resource in s.resources : can(regex("^arn:aws:iam::111122223333:(role|policy|instance-profile)/careway-dev-\\*$|/oidc\\.eks\\.\\*$|role/dms-", resource))
      ]) if s.effect != "Deny"
    ])
    error_message = "In IAM it changes only what begins with its environment's name."
  }

  assert {
    condition = alltrue([
      for s in data.aws_iam_policy_document.apply["dev"].statement : contains([for c in s.condition : c.variable], "iam:PassedToService") if contains(s.actions, "iam:PassRole")
    ])
    error_message = "Roles are passed to the services that need them alone."
  }

  assert {
    condition     = one([for s in data.aws_iam_policy_document.apply["dev"].statement : s.resources if s.sid == "RefusesOtherState"]) == toset(["${aws_s3_bucket.state.arn}/bootstrap/*", "${aws_s3_bucket.state.arn}/production/*"])
    error_message = "It does not touch the state of another environment, nor the bootstrap's."
  }

  assert {
    condition     = aws_iam_role_policies_exclusive.apply["dev"].policy_names == toset(["manages-iam"])
    error_message = "A policy added by hand is drift."
  }
}

run "boundary" {
  command = plan

  module {
    source = "./bootstrap"
  }

  assert {
    condition = alltrue([
      for sid, action in {
        RefusesUsers              = "iam:CreateUser"
        RefusesLeaving            = "organizations:LeaveOrganization"
        RefusesBlindness          = "cloudtrail:StopLogging"
        RefusesAdministrators     = "iam:AttachRolePolicy"
        RefusesItself             = "iam:DeleteRolePermissionsBoundary"
        RefusesLosingState        = "s3:DeleteBucket"
        RefusesLosingStateKey     = "kms:ScheduleKeyDeletion"
        RefusesLosingTheLog       = "logs:DeleteLogGroup"
        RefusesLosingTheAuditsKey = "kms:ScheduleKeyDeletion"
      } :
      one([for s in data.aws_iam_policy_document.boundary[0].statement : s.effect == "Deny" && contains(s.actions, action) if s.sid == sid])
    ])
    error_message = "The boundary refuses what the README says."
  }

  assert {
    condition = alltrue([
      for action in ["iam:CreateAccessKey", "iam:CreateLoginProfile", "cloudtrail:DeleteTrail", "guardduty:DeleteDetector", "s3:BypassGovernanceRetention"] :
      contains(flatten([for s in data.aws_iam_policy_document.boundary[0].statement : tolist(s.actions) if s.effect == "Deny" && s.resources == toset(["*"])]), action)
    ])
    error_message = "No access key, no stopped trail, no lifted lock: whatever the resource."
  }

  assert {
    condition = one([for s in data.aws_iam_policy_document.boundary[0].statement : s.resources if s.sid == "RefusesItself"]) == toset([
      "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
      "arn:aws:iam::111122223333:policy/careway-ci-*",
      "arn:aws:iam::111122223333:role/careway-ci-*",
    ])
    error_message = "CI cannot widen itself."
  }
}
