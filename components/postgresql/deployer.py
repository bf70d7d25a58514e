"""The PostgreSQL roles that Pulumi and movers log in as; neither is a superuser."""

DEPLOYER = "patchworks_deployer"
"""May create roles and databases, and has no password. Made once in each database cluster by its
bootstrap job, with Amazon's `rds_iam`, so that it logs in by a short-lived token."""

MOVER = "patchworks_mover"
"""How moves of tenants log in, with a password that Secrets Manager keeps: a subscription dials the
other server for weeks, and a token of IAM lasts for 15 minutes. Its sessions are the deployer's."""

MAINTENANCE_DATABASE = "postgres"
"""The database it connects to when a tenant's own does not exist yet."""
