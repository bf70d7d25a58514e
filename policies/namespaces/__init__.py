"""Rules on what holds one tenant's workloads."""
