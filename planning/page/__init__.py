"""A plan as one HTML page that needs nothing else: searchable, and with its graph drawn."""
