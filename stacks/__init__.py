"""One program a kind of stack: organization, cell.<name>, tenant.<name>."""
