"""What follows from counts of rows by cell, for tasks of every kind (numpy)."""
