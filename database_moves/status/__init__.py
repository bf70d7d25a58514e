"""What a move tells while it is under way: who serves, how far it is, and what to do next."""
