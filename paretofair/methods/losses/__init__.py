"""What methods are made of: losses of rows, distances between groups, and the rows that these compare."""
