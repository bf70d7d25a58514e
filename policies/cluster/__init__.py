"""Rules on what runs workloads."""
