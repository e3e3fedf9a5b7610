"""What needs labels, scores and decisions of rows, of which no trial table has more than what follows (numpy)."""
