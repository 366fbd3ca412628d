# Which table of the transit gateway the attachment joins is the hub's to say: the arguments for it cannot be set from an
# account that the gateway is only shared with.
resource "aws_ec2_transit_gateway_vpc_attachment" "hub" {
  count = var.hub == null ? 0 : 1

  transit_gateway_id = var.hub.transit_gateway_id
  vpc_id             = aws_vpc.this.id
  subnet_ids         = [for zone in local.zones : aws_subnet.private[zone].id]

  tags = { Name = var.name }
}

locals {
  hub_cidrs = var.hub == null ? [] : concat(var.hub.cidrs, var.nat == "none" ? ["0.0.0.0/0"] : [])
  hub_routes = {
    for pair in setproduct(local.zones, local.hub_cidrs) : join(" ", pair) => { zone = pair[0], cidr = pair[1] }
  }
}

# From the private subnets alone: no load balancer and no database has business in the hub.
resource "aws_route" "hub" {
  for_each = local.hub_routes

  route_table_id         = aws_route_table.private[each.value.zone].id
  destination_cidr_block = each.value.cidr
  transit_gateway_id     = var.hub.transit_gateway_id

  depends_on = [aws_ec2_transit_gateway_vpc_attachment.hub]
}
