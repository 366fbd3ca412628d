# The bucket and its region are given once, at `terraform init`: see README.md.
terraform {
  backend "s3" {
    key          = "production/terraform.tfstate"
    use_lockfile = true
  }
}
