# Zones are not filtered by state: one that is impaired today must stay in the list, or a plan made in that hour would
# move every subnet behind it.
data "aws_availability_zones" "this" {
  #checkov:skip=CKV_AWS_394:The first zone_count names are taken, and AWS gives a new zone the next letter

  exclude_zone_ids = var.excluded_zone_ids

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }

  lifecycle {
    postcondition {
      condition     = length(self.names) >= var.zone_count
      error_message = "The variable zone_count asks for more zones than this region has: lower it, or choose another region."
    }
  }
}

# Where a subnet lies depends on the place of its zone alone, never on their number: a third or a fourth zone is added
# without moving what is there. Of eight parts the first four are private, one a zone; of 64 the isolated ones begin at
# the middle of the network and the public ones at three quarters. The rest is free for what comes later.
locals {
  zones = slice(data.aws_availability_zones.this.names, 0, var.zone_count)

  private_cidrs  = { for place, zone in local.zones : zone => cidrsubnet(var.cidr, 3, place) }
  isolated_cidrs = { for place, zone in local.zones : zone => cidrsubnet(var.cidr, 6, 32 + place) }
  public_cidrs   = { for place, zone in local.zones : zone => cidrsubnet(var.cidr, 6, 48 + place) }
}
