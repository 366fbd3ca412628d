output "trail_arn" {
  description = "ARN of the trail"
  value       = aws_cloudtrail.this.arn
}

output "bucket_arn" {
  description = "ARN of the trail's bucket"
  value       = aws_s3_bucket.this["trail"].arn
}

output "bucket_name" {
  description = "Name of the trail's bucket"
  value       = aws_s3_bucket.this["trail"].id
}

output "config_bucket_name" {
  description = "Name of the bucket of AWS Config; null where another environment keeps it"
  value       = local.config ? aws_s3_bucket.this["config"].id : null
}

output "log_group_name" {
  description = "Name of the log group in which the trail can be searched"
  value       = aws_cloudwatch_log_group.trail.name
}

output "alarm_names" {
  description = "Names of the alarms on what the trail records"
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}

output "detector_id" {
  description = "Id of the GuardDuty detector; null where another environment keeps it"
  value       = local.guardduty ? aws_guardduty_detector.this[0].id : null
}
