"""Rules on what carries traffic."""
