# What rings, as filters on the trail's log group. A pattern may have 1024 characters.
locals {
  alarm_patterns = {
    root_use = {
      description = "The root user of the account did something"
      pattern     = "{ $.userIdentity.type = \"Root\" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != \"AwsServiceEvent\" }"
    }
    sign_in_without_mfa = {
      description = "A user signed in to the console without a second factor"
      pattern     = "{ $.eventName = \"ConsoleLogin\" && $.userIdentity.type = \"IAMUser\" && $.additionalEventData.MFAUsed != \"Yes\" && $.responseElements.ConsoleLogin = \"Success\" }"
    }
    sign_in_failures = {
      description = "Signing in to the console failed again and again"
      pattern     = "{ $.eventName = \"ConsoleLogin\" && $.errorMessage = \"Failed authentication\" }"
      threshold   = 5
    }
    unauthorized_calls = {
      description = "Many calls were refused: somebody tries what a role may do"
      pattern     = "{ ($.errorCode = \"*UnauthorizedOperation\" || $.errorCode = \"AccessDenied*\") && $.sourceIPAddress != \"delivery.logs.amazonaws.com\" && $.eventName != \"HeadBucket\" }"
      threshold   = var.unauthorized_calls
    }
    access_keys = {
      description = "A user or an access key was made, which this ground has no use for"
      pattern     = local.events["access_keys"]
    }
    iam_policy_changes = {
      description = "A policy or a role's trust was changed"
      pattern     = local.events["iam_policy_changes"]
    }
    trail_changes = {
      description = "A trail was changed or stopped"
      pattern     = local.events["trail_changes"]
    }
    detection_changes = {
      description = "GuardDuty or Config was changed or stopped"
      pattern     = local.events["detection_changes"]
    }
    key_deletion = {
      description = "A KMS key was disabled, or its deletion or another policy asked for"
      pattern     = "{ $.eventSource = \"kms.amazonaws.com\" && ($.eventName = \"DisableKey\" || $.eventName = \"ScheduleKeyDeletion\" || $.eventName = \"DisableKeyRotation\" || $.eventName = \"PutKeyPolicy\") }"
    }
    bucket_policy_changes = {
      description = "A bucket's policy, public access or lifecycle was changed"
      pattern     = local.events["bucket_policy_changes"]
    }
    security_group_changes = {
      description = "A security group was changed"
      pattern     = local.events["security_group_changes"]
    }
    network_acl_changes = {
      description = "A network ACL was changed"
      pattern     = local.events["network_acl_changes"]
    }
    route_changes = {
      description = "A route table or a gateway was changed"
      pattern     = local.events["route_changes"]
    }
  }

  events = {
    for alarm, names in {
      access_keys = ["CreateUser", "CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile"]
      iam_policy_changes = [
        "CreatePolicy", "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion", "PutRolePolicy", "DeleteRolePolicy",
        "AttachRolePolicy", "DetachRolePolicy", "PutUserPolicy", "AttachUserPolicy", "PutGroupPolicy", "AttachGroupPolicy",
        "UpdateAssumeRolePolicy", "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary",
      ]
      trail_changes          = ["CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging", "PutEventSelectors"]
      detection_changes      = ["DeleteDetector", "UpdateDetector", "StopMonitoringMembers", "StopConfigurationRecorder", "PutConfigurationRecorder", "DeleteConfigurationRecorder", "PutDeliveryChannel", "DeleteDeliveryChannel"]
      bucket_policy_changes  = ["PutBucketPolicy", "DeleteBucketPolicy", "PutBucketAcl", "PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock", "PutBucketLifecycle", "DeleteBucketLifecycle", "PutBucketReplication", "PutBucketVersioning", "PutBucketObjectLockConfiguration"]
      security_group_changes = ["AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "ModifySecurityGroupRules", "CreateSecurityGroup", "DeleteSecurityGroup"]
      network_acl_changes    = ["CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry", "ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation"]
      route_changes = [
        "CreateRoute", "ReplaceRoute", "DeleteRoute", "CreateRouteTable", "DeleteRouteTable", "ReplaceRouteTableAssociation", "DisassociateRouteTable",
        "CreateInternetGateway", "AttachInternetGateway", "DetachInternetGateway", "DeleteInternetGateway", "CreateVpcPeeringConnection", "AcceptVpcPeeringConnection",
      ]
    } : alarm => "{ ${join(" || ", [for name in names : "$.eventName = \"${name}\""])} }"
  }
}
