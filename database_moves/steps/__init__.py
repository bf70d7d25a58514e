"""The durable steps of a move: done again after any crash until they are recorded."""
