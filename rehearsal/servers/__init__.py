"""The real servers behind the local cloud."""
