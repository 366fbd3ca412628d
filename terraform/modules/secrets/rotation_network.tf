resource "aws_security_group" "rotation" {
  #checkov:skip=CKV2_AWS_5:the function that has it is made by the stack, which the scanner does not look into
  count = var.rotation ? 1 : 0

  name        = local.function
  description = "The function that rotates the password of ${var.service}"
  vpc_id      = var.rotation_network.vpc_id

  tags = { Name = local.function }
}

resource "aws_vpc_security_group_egress_rule" "database" {
  count = var.rotation ? 1 : 0

  security_group_id            = aws_security_group.rotation[0].id
  description                  = "The database"
  referenced_security_group_id = var.rotation_network.database_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.database.port
  to_port                      = var.database.port
}

# Two endpoints: Secrets Manager, and RDS, where the function asks for the host that RDS leaves out of its own secret.
resource "aws_vpc_security_group_egress_rule" "endpoints" {
  for_each = toset(var.rotation ? var.rotation_network.endpoint_cidrs : [])

  security_group_id = aws_security_group.rotation[0].id
  description       = "Endpoints of Secrets Manager and RDS"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
