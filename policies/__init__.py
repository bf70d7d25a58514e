"""What no change may do unseen: one rule a file, read by Pulumi's policy engine and by plans."""
