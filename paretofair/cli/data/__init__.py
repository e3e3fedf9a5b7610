"""Commands that prepare data, and how a command shows data."""
