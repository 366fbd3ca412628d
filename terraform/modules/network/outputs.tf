output "vpc_id" {
  description = "Id of the network"
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Addresses of the network"
  value       = aws_vpc.this.cidr_block
}

output "zones" {
  description = "Availability zones, in the order of every list below"
  value       = local.zones
}

output "public_subnet_ids" {
  description = "Subnets of load balancers and NAT gateways"
  value       = [for zone in local.zones : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "Subnets of nodes, pods and endpoints"
  value       = [for zone in local.zones : aws_subnet.private[zone].id]
}

output "isolated_subnet_ids" {
  description = "Subnets of databases"
  value       = [for zone in local.zones : aws_subnet.isolated[zone].id]
}

output "public_subnet_cidrs" {
  description = "Addresses from which load balancers ask the pods"
  value       = [for zone in local.zones : local.public_cidrs[zone]]
}

output "private_subnet_cidrs" {
  description = "Addresses of nodes and pods"
  value       = [for zone in local.zones : local.private_cidrs[zone]]
}

output "isolated_subnet_cidrs" {
  description = "Addresses of databases"
  value       = [for zone in local.zones : local.isolated_cidrs[zone]]
}

output "endpoint_security_group_id" {
  description = "Security group of the interface endpoints, null without them"
  value       = one(aws_security_group.endpoints[*].id)
}

output "endpoint_cidrs" {
  description = "Addresses at which AWS is asked: the private subnets, or the hub's networks when it shares its endpoints"
  value       = var.endpoints ? [for zone in local.zones : local.private_cidrs[zone]] : var.hub.cidrs
}

output "nat_public_ips" {
  description = "Addresses by which others see this network, empty when the hub is the way out"
  value       = [for zone in local.nat_zones : aws_eip.nat[zone].public_ip]
}

output "load_balancer_security_group_id" {
  description = "Security group of the load balancers, open on 443 to clients_cidrs"
  value       = aws_security_group.load_balancer.id
}
