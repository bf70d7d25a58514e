"""What replication does not carry: taken over in the pause, as quickly as can be."""
