"""Rules on what lets tenants' users in."""
