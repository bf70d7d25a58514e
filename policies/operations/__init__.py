"""Rules on what goes wrong when stacks change and go."""
