# `make values` reads these two.
output "services" {
  value       = module.platform.services
  description = "What the release of each service has to know: its database, its secrets, its team and its log group"
}

output "platform" {
  value       = module.platform.platform
  description = "What every release has to know: the account, the registry, the cluster and the ranges of the network"
}

output "roles" {
  value       = module.platform.roles
  description = "Each role by name, for the workflows of the repository and for the controllers of the cluster"
}

output "database_copies" {
  value       = module.platform.database_copies
  description = "Backups of the databases in the second region, by service: what a restore there begins with"
}
