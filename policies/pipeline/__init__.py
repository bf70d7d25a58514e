"""Rules on what CI may do."""
