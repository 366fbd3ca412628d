terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
      # The region of the database's copies. It is configured also where there are none.
      configuration_aliases = [aws.replica]
    }
  }
}
