"""The PostgreSQL role that Pulumi logs in as; no superuser, and no password either."""

DEPLOYER = "patchworks_deployer"
"""May create roles and databases. Made once in each database cluster by its bootstrap job, with
Amazon's `rds_iam`, so that it logs in by a short-lived token."""

MAINTENANCE_DATABASE = "postgres"
"""The database it connects to when a tenant's own does not exist yet."""
