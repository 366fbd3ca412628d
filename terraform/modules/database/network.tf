resource "aws_db_subnet_group" "this" {
  name        = local.identifier
  description = "Isolated subnets for the database of ${var.service}"
  subnet_ids  = var.subnet_ids
}

# No egress: a database opens no connection by itself.
resource "aws_security_group" "this" {
  name        = "${local.identifier}-database"
  description = "The database of ${var.service}"
  vpc_id      = var.vpc_id

  tags = { Name = "${local.identifier}-database" }
}

# By position, since the groups may be made in the same apply and are not known before.
resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = { for position, id in var.client_security_group_ids : position => id }

  security_group_id            = aws_security_group.this.id
  description                  = "PostgreSQL for a client"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}
