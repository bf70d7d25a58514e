"""Moves a live PostgreSQL database to another server without losing a write."""
