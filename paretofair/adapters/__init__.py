"""Other libraries on the data of a run, as rows of its trial table: they stand on the same frontiers and tables."""
