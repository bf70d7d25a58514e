"""Many tenants at once: where they shall go, the queue of their moves, and who works on it."""
