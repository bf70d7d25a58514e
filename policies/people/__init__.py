"""Rules on what people may do."""
