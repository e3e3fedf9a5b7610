"""A run of a space: its stages, its packs, resuming, progress and status. Knows no Ray."""
