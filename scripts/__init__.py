"""The `patchworks` command line: one thin file a command."""
