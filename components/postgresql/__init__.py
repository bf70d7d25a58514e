"""Components that declare tenants' databases, roles and grants on PostgreSQL."""
