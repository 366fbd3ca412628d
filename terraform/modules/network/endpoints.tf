# A gateway costs nothing and cannot be shared, so it is here even when the hub shares the others. Image layers come
# through it: without, each pull would pay for NAT.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${local.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for zone in local.zones : aws_route_table.private[zone].id]
  policy            = data.aws_iam_policy_document.s3_endpoint.json

  tags = { Name = "${var.name}-s3" }
}

# By the hour, a service and a zone: eleven services in three zones are thirty-three of them. What is not here goes out by NAT.
resource "aws_vpc_endpoint" "interface" {
  for_each = var.endpoints ? var.interface_endpoints : []

  vpc_id              = aws_vpc.this.id
  service_name        = "${each.key == "logs" ? "com.amazonaws" : data.aws_partition.current.reverse_dns_prefix}.${local.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for zone in local.zones : aws_subnet.private[zone].id]
  security_group_ids  = [aws_security_group.endpoints[0].id]
  policy              = contains(local.without_policy, each.key) ? null : data.aws_iam_policy_document.interface_endpoint[each.key].json

  tags = { Name = "${var.name}-${each.key}" }
}
