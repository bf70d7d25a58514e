"""The rules by which a change is reviewed, on GitHub."""
