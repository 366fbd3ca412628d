locals {
  identifier = "${var.name}-${var.service}-migration"
}

resource "aws_dms_replication_subnet_group" "this" {
  replication_subnet_group_id          = local.identifier
  replication_subnet_group_description = "Private subnets for the migration of ${var.service}"
  subnet_ids                           = var.subnet_ids

  depends_on = [aws_iam_role_policy_attachment.account]
}

# Nobody connects to a replication instance: no ingress.
resource "aws_security_group" "this" {
  name        = local.identifier
  description = "The migration of ${var.service}"
  vpc_id      = var.vpc_id

  tags = { Name = local.identifier }
}

resource "aws_vpc_security_group_egress_rule" "source" {
  security_group_id = aws_security_group.this.id
  description       = "The database that the data come from"
  cidr_ipv4         = var.source_database.cidr
  ip_protocol       = "tcp"
  from_port         = var.source_database.port
  to_port           = var.source_database.port
}

resource "aws_vpc_security_group_egress_rule" "target" {
  security_group_id            = aws_security_group.this.id
  description                  = "The database that the data go to"
  referenced_security_group_id = var.target_database.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.target_database.port
  to_port                      = var.target_database.port
}

resource "aws_vpc_security_group_egress_rule" "endpoints" {
  for_each = toset(var.endpoint_cidrs)

  security_group_id = aws_security_group.this.id
  description       = "Endpoint of Secrets Manager"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
