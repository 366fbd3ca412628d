output "name" {
  description = "Name of the cluster"
  value       = aws_eks_cluster.this.name
}

output "arn" {
  description = "ARN of the cluster"
  value       = aws_eks_cluster.this.arn
}

output "endpoint" {
  description = "URL of the API"
  value       = aws_eks_cluster.this.endpoint
}

output "certificate_authority" {
  description = "Certificate authority of the API (PEM, in base64)"
  value       = aws_eks_cluster.this.certificate_authority[0].data
}

output "version" {
  description = "Minor version of Kubernetes"
  value       = aws_eks_cluster.this.version
}

output "oidc_issuer_url" {
  description = "Issuer of the tokens of service accounts, which the services trust for calls between them"
  value       = aws_eks_cluster.this.identity[0].oidc[0].issuer
}

output "oidc_provider_arn" {
  description = "ARN of the OIDC provider for IRSA, null without it"
  value       = one(aws_iam_openid_connect_provider.this[*].arn)
}

output "cluster_security_group_id" {
  description = "Security group that API and nodes share, and pods with them"
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "node_role_arn" {
  description = "ARN of the nodes' role"
  value       = aws_iam_role.node.arn
}

output "node_role_name" {
  description = "Name of the nodes' role"
  value       = aws_iam_role.node.name
}

output "log_group_name" {
  description = "Log group of the control plane"
  value       = aws_cloudwatch_log_group.control_plane.name
}
