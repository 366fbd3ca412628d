# The root of the module tests alone: `terraform init` installs nothing where there is no configuration.
terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}
