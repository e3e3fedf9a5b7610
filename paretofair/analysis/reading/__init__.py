"""Results folders and tables made elsewhere, read as values."""
