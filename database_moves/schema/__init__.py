"""Brings everything but rows from one database to another: before the rows, and after them."""
