"""The catalog: everything people edit, as typed and frozen models."""
