"""Graphs in the forms that other tools read: a Terraform plan, and Kubernetes manifests."""
