"""The space file: its schema, its lines, and what follows from it for every method."""
