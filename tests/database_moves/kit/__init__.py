"""What tests of moves need beside two servers: a pooler, writers, a bad network, a mover."""
