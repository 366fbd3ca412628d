resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true # private names of endpoints need both

  tags = { Name = var.name }
}

# AWS makes a security group and a route table with every VPC. Without any rule, what is started with no group of its own
# reaches nothing; the empty lists are spelt out, so that a rule added by hand is drift.
resource "aws_default_security_group" "closed" {
  vpc_id  = aws_vpc.this.id
  ingress = []
  egress  = []

  tags = { Name = "${var.name}-closed" }
}

# A subnet without a table of its own falls to this one, and finds no way out.
resource "aws_default_route_table" "closed" {
  default_route_table_id = aws_vpc.this.default_route_table_id
  route                  = []

  tags = { Name = "${var.name}-closed" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.name }
}
