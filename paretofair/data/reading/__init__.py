"""Tables in files, and the words that describe them."""
