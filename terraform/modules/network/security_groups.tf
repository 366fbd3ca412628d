resource "aws_security_group" "endpoints" {
  count = var.endpoints ? 1 : 0

  name        = "${var.name}-endpoints"
  description = "Interface endpoints of AWS services, asked from the private subnets"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = var.endpoints ? local.private_cidrs : {}

  security_group_id = aws_security_group.endpoints[0].id
  description       = "HTTPS from the private subnet of ${each.key}"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_security_group" "load_balancer" {
  #checkov:skip=CKV2_AWS_5:The load balancer controller attaches it, by an annotation of the chart's Ingress

  name        = "${var.name}-load-balancer"
  description = "Load balancers that clients reach on 443"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-load-balancer" }
}

# The one rule that may be open to the world.
#trivy:ignore:AVD-AWS-0107 an API that clients reach from the internet; clients_cidrs narrows it
resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = toset(var.clients_cidrs)

  security_group_id = aws_security_group.load_balancer.id
  description       = "HTTPS from clients"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "targets" {
  for_each = local.private_cidrs

  security_group_id = aws_security_group.load_balancer.id
  description       = "Pods in the private subnet of ${each.key}"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = var.target_port
  to_port           = var.target_port
}
