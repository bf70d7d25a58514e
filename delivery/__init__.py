"""Takes a merged commit to production: which stacks, in which order, past which gates."""
