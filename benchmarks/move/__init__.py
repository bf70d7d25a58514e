"""How long copying a database takes against the usual tools, and what it costs the source."""
