"""Components of AWS: one file a component."""
