"""Rules on what is recorded and who is told."""
