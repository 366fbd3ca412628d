locals {
  alarms = { for alarm, what in local.alarm_patterns : alarm => what if !contains(var.alarms_off, alarm) }
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = local.alarms

  name           = "${var.name}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.trail.name
  pattern        = each.value.pattern

  metric_transformation {
    name      = each.key
    namespace = "${var.name}/audit"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-audit-${each.key}"
  alarm_description   = "${each.value.description}. Look in the log group ${aws_cloudwatch_log_group.trail.name}."
  namespace           = "${var.name}/audit"
  metric_name         = aws_cloudwatch_log_metric_filter.this[each.key].metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = try(each.value.threshold, 1)
  comparison_operator = "GreaterThanOrEqualToThreshold"
  # The metric has no value where nothing happened.
  treat_missing_data = "notBreaching"
  alarm_actions      = [var.alerts_topic_arn]
}
