"""Who may do what: permissions read from graphs, compared, and set against what is needed."""
