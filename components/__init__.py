"""Reusable Pulumi components: what a cloud, a cluster or a database offers."""
