"""Makes what must be there before Pulumi can run: the states' bucket and key, and roles."""
