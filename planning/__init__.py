"""What a change will do: the graphs of two commits, their differences, and what they mean."""
