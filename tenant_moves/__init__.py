"""Moves a tenant to another placement: slices, database, objects, secrets, route and ledger."""
