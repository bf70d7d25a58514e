"""Rules on what keeps tenants' rows."""
