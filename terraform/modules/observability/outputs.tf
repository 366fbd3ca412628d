output "metrics_workspace_arn" {
  description = "ARN of the metrics' workspace, null without"
  value       = one(aws_prometheus_workspace.this[*].arn)
}

output "metrics_remote_write_url" {
  description = "Address to which the collector writes metrics, null without"
  value       = one([for workspace in aws_prometheus_workspace.this : "${workspace.prometheus_endpoint}api/v1/remote_write"])
}

output "metrics_query_url" {
  description = "Address at which metrics are asked for, null without"
  value       = one([for workspace in aws_prometheus_workspace.this : "${workspace.prometheus_endpoint}api/v1/query"])
}

output "log_group_names" {
  description = "Log group of each service, empty without"
  value       = { for service, group in aws_cloudwatch_log_group.service : service => group.name }
}

output "log_group_arns" {
  description = "ARNs of the services' log groups"
  value       = [for group in values(aws_cloudwatch_log_group.service) : group.arn]
}

output "alerts_topic_arn" {
  description = "ARN of the topic that alerts are published to"
  value       = aws_sns_topic.alerts.arn
}
