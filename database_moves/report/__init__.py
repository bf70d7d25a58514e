"""What a move tells afterwards: a report as JSON and as one HTML page with charts."""
