# The values that an environment is brought up with, for the tests of the environments.
terraform {
  required_version = ">= 1.11"

  required_providers {
    terraform = {
      source = "terraform.io/builtin/terraform"
    }
  }
}

variable "environment" {
  type        = string
  description = "Whose terraform.tfvars to read"
}

output "tfvars" {
  value       = provider::terraform::decode_tfvars(file("${path.module}/../../environments/${var.environment}/terraform.tfvars"))
  description = "What its terraform.tfvars says"
}
