# Once an account and region. Where an organization's administrator enrols the account, leave it out.
resource "aws_guardduty_detector" "this" {
  #checkov:skip=CKV2_AWS_3:of this account alone; an organization enrols its accounts elsewhere
  count = local.guardduty ? 1 : 0

  enable                       = true
  finding_publishing_frequency = "FIFTEEN_MINUTES"
}

resource "aws_guardduty_detector_feature" "this" {
  for_each = {
    for feature, status in {
      EKS_AUDIT_LOGS   = "ENABLED"
      S3_DATA_EVENTS   = "ENABLED"
      RDS_LOGIN_EVENTS = "ENABLED"
      # Copies the disks of a suspect node to the service to be scanned; nodes hold no data, and are replaced.
      EBS_MALWARE_PROTECTION = "DISABLED"
    } : feature => status if local.guardduty
  }

  detector_id = aws_guardduty_detector.this[0].id
  name        = each.key
  status      = each.value
}
