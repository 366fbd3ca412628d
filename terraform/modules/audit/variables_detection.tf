# What is counted, recorded and detected.

variable "alarms_off" {
  type        = set(string)
  nullable    = false
  default     = []
  description = "Alarms that are not wanted, by their names in alarm_patterns.tf"

  validation {
    condition     = alltrue([for alarm in var.alarms_off : contains(keys(local.alarm_patterns), alarm)])
    error_message = "alarms_off must name alarms that exist: choose among ${join(", ", keys(local.alarm_patterns))}."
  }
}

variable "unauthorized_calls" {
  type        = number
  nullable    = false
  default     = 20
  description = "Refused calls within five minutes from which the alarm rings; a few are the day's ordinary mistakes"

  validation {
    condition     = var.unauthorized_calls >= 1
    error_message = "unauthorized_calls must be at least 1: raise it, or name unauthorized_calls in alarms_off to have no such alarm."
  }
}

variable "account_wide" {
  type        = bool
  nullable    = false
  default     = true
  description = "Whether this environment keeps what exists once an account and region: GuardDuty and Config"
}

variable "guardduty" {
  type        = bool
  nullable    = false
  default     = true
  description = "Whether GuardDuty watches the account, the cluster's audit log, S3 and logins to databases"
}

variable "guardduty_severity" {
  type        = number
  nullable    = false
  default     = 4
  description = "Severity from which a finding is sent to the topic: 1 low, 4 medium, 7 high"

  validation {
    condition     = var.guardduty_severity >= 1 && var.guardduty_severity <= 8.9
    error_message = "guardduty_severity must be from 1 to 8.9: choose 4 for medium and above, 7 for high alone."
  }
}

variable "config" {
  type        = bool
  nullable    = false
  default     = true
  description = "Whether AWS Config records what the account holds and checks it"
}

variable "config_rules_off" {
  type        = set(string)
  nullable    = false
  default     = []
  description = "Rules of AWS Config that are not wanted, by their names in config_rules.tf"

  validation {
    condition     = alltrue([for rule in var.config_rules_off : contains(keys(local.config_rules), rule)])
    error_message = "config_rules_off must name rules that exist: choose among ${join(", ", keys(local.config_rules))}."
  }
}
