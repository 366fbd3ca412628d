variable "delivery" {
  type = object({
    connection_arn         = string
    repository             = string
    branch                 = optional(string)
    base_image             = string
    trial_database_image   = string
    build_image            = string
    approval_timeout_hours = optional(number)
  })
  default     = null
  description = "The pipeline of AWS for those who do not deliver from GitHub: its source and its images; null makes none"
}
