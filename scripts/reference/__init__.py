"""Pages of documentation that are written by the code they describe."""
